// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>

namespace pst::methods {

/// The keys of `type: pvera`. @see Fillioux et al. 2025, arXiv:2512.07703
struct Pvera {
  int r = 256;
  std::int64_t projection_prng_key = 0;
  bool save_projection = true, sample_at_inference = false;
  std::optional<std::int64_t> generator_seed;
  double pvera_dropout = 0, d_initial = 0.1;
};

}  // namespace pst::methods
