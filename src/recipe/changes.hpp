// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <string>
#include <vector>

#include "recipe/recipe.hpp"

namespace pst::recipe {

/// Every key of the effective recipe, flat, with its value as YAML: "adapter.r" -> "16".
std::map<std::string, std::string> all_keys(const Recipe& recipe);
/// The keys that decide the bits of the result, in the same form. Left out: where a
/// run lives, how it is scheduled, saved and evaluated, and what gives the same bits either way (threads,
/// recomputation, number of ranks).
std::map<std::string, std::string> keys_that_alter(const Recipe& recipe);

struct Change {
  std::string key, was, is;  ///< empty: the key was or is not there
};
std::vector<Change> changes_between(const std::map<std::string, std::string>& was,
                                    const std::map<std::string, std::string>& is);
/// "adapter.r was 16 and is 8; train.seed was 42 and is 7"
std::string to_text(const std::vector<Change>& changes);

}  // namespace pst::recipe
