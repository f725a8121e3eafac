// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "methods/rank_patterns.hpp"

namespace pst::methods {

/// The keys of `type: loha`. @see Hyeon-Woo et al. 2022 (FedPara), arXiv:2108.06098
struct Loha {
  int r = 8;
  double alpha = 8;
  RankPatterns patterns;
  double rank_dropout = 0, module_dropout = 0;
};

}  // namespace pst::methods
