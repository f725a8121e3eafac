// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace pst::methods {

/// The keys of `type: gralora`. @see Jung et al. 2025, arXiv:2505.20355
struct Gralora {
  int r = 32, hybrid_r = 0, gralora_k = 2;
  double alpha = 64, gralora_dropout = 0;
};

}  // namespace pst::methods
