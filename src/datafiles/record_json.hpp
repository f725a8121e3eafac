// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace pst::datafiles {

using Json = nlohmann::ordered_json;  // templates see keys in the order of the file

/// One JSON object from one text. Bounded in depth and in keys per object (an ordered map finds keys by walking),
/// without duplicate keys and NUL characters; integers are kept whatever their size (json::long_integer).
/// @throws Error(data) with the reason and column, without the file's place
Json parse_record(std::string_view text);

/// A JSON value that a record holds as a text, within the same bounds; nothing when the text is no JSON.
std::optional<Json> json_in_text(std::string_view text);

/// "number", "object" ... for messages.
std::string kind_of(const Json& value);

}  // namespace pst::datafiles
