// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <string>

#include "methods/targets.hpp"

namespace pst::methods {

/// PEFT's rank_pattern and alpha_pattern: other values for some layers, by name ending or regular expression.
struct RankPatterns {
  std::map<std::string, int> rank_pattern;
  std::map<std::string, double> alpha_pattern;
};
void bind_keys(config::Fields& field, RankPatterns& s);  ///< both
void bind_rank_pattern(config::Fields& field, RankPatterns& s);

/// The rank and alpha of each layer.
class RankOf {
 public:
  RankOf(const RankPatterns& patterns, int r, double alpha)
      : ranks_("adapter.rank_pattern", patterns.rank_pattern),
        alphas_("adapter.alpha_pattern", patterns.alpha_pattern),
        r_(r),
        alpha_(alpha) {}
  int r(const LinearLayer& layer) const { return ranks_.of(layer.name, r_); }
  double alpha(const LinearLayer& layer) const { return alphas_.of(layer.name, alpha_); }

 private:
  ByPattern<int> ranks_;
  ByPattern<double> alphas_;
  int r_;
  double alpha_;
};

}  // namespace pst::methods
