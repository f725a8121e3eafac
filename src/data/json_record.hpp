// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace pst::data {

using Json = nlohmann::ordered_json;  // templates see keys in the order of the file

/// One JSON object from one line. Bounded in depth and in keys per object (an ordered map finds keys by walking),
/// without duplicate keys and NUL characters.
/// @throws Error(data) with the reason and column, without the file's place
Json parse_record(std::string_view line);

}  // namespace pst::data
