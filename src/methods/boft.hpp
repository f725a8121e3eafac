// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace pst::methods {

/// The keys of `type: boft`. @see Liu et al. 2024, arXiv:2311.06243
struct Boft {
  int boft_block_size = 4, boft_block_num = 0, boft_n_butterfly_factor = 1;
  double boft_dropout = 0;
};

}  // namespace pst::methods
