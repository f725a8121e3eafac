// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

namespace pst::runs {

/// A recipe as it was asked for.
struct RecipeSource {
  std::string file;
  std::vector<std::string> overrides;  ///< key.sub=value, the last one counts
};

}  // namespace pst::runs
