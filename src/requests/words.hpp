// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace pst::requests {

/// Adds an option with its value: as two words, or as one where the value would be taken for an option.
void add(std::vector<std::string>& words, std::string_view option, const std::string& value);

}  // namespace pst::requests
