// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

namespace pst::datarules {

/// Why a value does not fit a JSON schema: "\"days\" is a string; it must be an integer". Nothing where it fits, or
/// where the schema says it by keywords that are not looked at. These are: type, properties, required,
/// additionalProperties: false, items, enum, const, minimum, maximum. @see JSON Schema draft 7
std::optional<std::string> schema_flaw(const nlohmann::ordered_json& schema, const nlohmann::ordered_json& value,
                                       const std::string& name, int depth = 0);

}  // namespace pst::datarules
