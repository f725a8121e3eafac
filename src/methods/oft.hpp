// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace pst::methods {

/// The keys of `type: oft`. @see Qiu et al. 2023, arXiv:2306.07280; 2025, arXiv:2506.19847 (the series)
struct Oft {
  int r = 0, oft_block_size = 32;
  double module_dropout = 0;
  bool coft = false;
  double eps = 6e-5;
  bool block_share = false, use_cayley_neumann = true;
  int num_cayley_neumann_terms = 5;
};

constexpr const char* kOftRotation = "oft_R.weight";  ///< [blocks, k (k - 1) / 2]

}  // namespace pst::methods
