// SPDX-License-Identifier: Apache-2.0
#include "methods/rank_patterns.hpp"

#include "config/fields.hpp"

namespace pst::methods {

void bind_rank_pattern(config::Fields& field, RankPatterns& s) {
  field("rank_pattern", &s.rank_pattern, config::at_least(1),
        "Another r for some layers, by name ending or regular expression.");
}

void bind_keys(config::Fields& field, RankPatterns& s) {
  bind_rank_pattern(field, s);
  field("alpha_pattern", &s.alpha_pattern, config::above(0), "Another alpha for some layers, likewise.");
}

}  // namespace pst::methods
