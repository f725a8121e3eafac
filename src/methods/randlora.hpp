// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

namespace pst::methods {

/// The keys of `type: randlora`. @see Albert et al. 2025, arXiv:2502.00987
struct Randlora {
  int r = 32, randlora_alpha = 640;
  std::int64_t projection_prng_key = 0;
  bool save_projection = true, sparse = false, very_sparse = false;
  double randlora_dropout = 0;
};

}  // namespace pst::methods
