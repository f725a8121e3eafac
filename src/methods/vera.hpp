// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

namespace pst::methods {

/// The keys of `type: vera`. @see Kopiczko et al. 2024, arXiv:2310.11454
struct Vera {
  int r = 256;
  std::int64_t projection_prng_key = 0;
  bool save_projection = true;
  double vera_dropout = 0, d_initial = 0.1;
};

}  // namespace pst::methods
