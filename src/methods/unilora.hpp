// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

namespace pst::methods {

/// The keys of `type: unilora`. @see Li et al. 2025, arXiv:2506.00799
struct Unilora {
  int r = 4, theta_d_length = 256;
  std::int64_t proj_seed = 42;
  bool save_indices = false, init_weights = true;
  double unilora_dropout = 0, init_theta_d_bound = 0.02;
};

}  // namespace pst::methods
