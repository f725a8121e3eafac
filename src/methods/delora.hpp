// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <string>

#include "methods/rank_patterns.hpp"

namespace pst::methods {

/// The keys of `type: delora`. @see Bini et al. 2025, arXiv:2503.18225
struct Delora {
  int r = 8;
  double delora_lambda = 15, module_dropout = 0;
  RankPatterns patterns;  ///< rank_pattern alone
  std::map<std::string, double> lambda_pattern;
};

}  // namespace pst::methods
