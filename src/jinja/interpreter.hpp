// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "jinja/ast.hpp"
#include "jinja/template.hpp"

namespace pst::jinja {

enum class Marks { ignored, wanted };

/// Runs a parsed template. @param name for messages. @throws Error(data): "<name>:<line>: ..."
/// @param marks  wanted: it is an error where a part that `generation` marks cannot be found in the text
MarkedText run(const Block& program, const std::string& name, const nlohmann::ordered_json& variables,
               const std::optional<Day>& today, Marks marks);

}  // namespace pst::jinja
