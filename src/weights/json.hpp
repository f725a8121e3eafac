// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace pst::weights {

/// Parses an untrusted JSON text: one value, no duplicate keys, at most 64 levels deep.
/// @param name the file, for messages. @throws Error(data) with file:line:column
nlohmann::json parse_json(std::string_view text, const std::string& name);

/// Line and column of byte `offset` of `text`, both from 1: "12:5".
std::string line_and_column(std::string_view text, std::size_t offset);
/// `name:line` when `"key"` occurs exactly once in `text` (then it can only be meant), else `name`.
std::string place_of_key(std::string_view text, std::string_view key, const std::string& name);

}  // namespace pst::weights
