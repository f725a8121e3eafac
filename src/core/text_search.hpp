// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <string_view>

namespace pst {

// What std::string_view's find() and rfind() give, in linear time whatever is looked for. Theirs take text x part,
// which a stranger who chooses both makes hours of.

std::size_t find_text(std::string_view text, std::string_view part, std::size_t from = 0);
std::size_t rfind_text(std::string_view text, std::string_view part);

}  // namespace pst
