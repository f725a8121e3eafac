// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "methods/rank_patterns.hpp"

namespace pst::methods {

/// The keys of `type: lokr`. @see Yeh et al. 2024 (LyCORIS), arXiv:2309.14859
struct Lokr {
  int r = 8;
  double alpha = 8;
  RankPatterns patterns;
  double rank_dropout = 0, module_dropout = 0;
  bool decompose_both = false;
  int decompose_factor = -1;
  bool rank_dropout_scale = false;
};

}  // namespace pst::methods
