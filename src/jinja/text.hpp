// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pst::jinja {

// Cutting and joining as Python's str does it, on UTF-8. All texts are well-formed.

std::string_view strip_left(std::string_view text);
std::string_view strip_right(std::string_view text);
/// @param characters  those to take; white space when absent
std::string_view strip_left(std::string_view text, const std::optional<std::string>& characters);
std::string_view strip_right(std::string_view text, const std::optional<std::string>& characters);

std::vector<std::string> split_lines(std::string_view text);
std::vector<std::string> split_space(std::string_view text, std::int64_t at_most);
std::vector<std::string> split_by(std::string_view text, std::string_view separator, std::int64_t at_most);
std::vector<std::string> split_by_from_right(std::string_view text, std::string_view separator, std::int64_t at_most);
std::string replace(std::string_view text, std::string_view what, std::string_view with, std::int64_t at_most);

}  // namespace pst::jinja
