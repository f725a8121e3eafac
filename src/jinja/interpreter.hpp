// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "jinja/ast.hpp"
#include "jinja/template.hpp"

namespace pst::jinja {

/// Runs a parsed template. @param name for messages. @throws Error(data): "<name>:<line>: ..."
std::string run(const Block& program, const std::string& name, const nlohmann::ordered_json& variables,
                const std::optional<Day>& today);

}  // namespace pst::jinja
