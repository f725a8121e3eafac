// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>

namespace pst::jinja {

// Upper and lower case, as Python's str has it.

std::string upper(std::string_view text);
std::string lower(std::string_view text);       ///< the final sigma included
std::string title(std::string_view text);       ///< str.title
std::string capitalize(std::string_view text);  ///< str.capitalize
std::string swapcase(std::string_view text);
std::string casefold(std::string_view text);

}  // namespace pst::jinja
