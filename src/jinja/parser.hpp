// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>

#include "jinja/ast.hpp"

namespace pst::jinja {

/// @throws Error(data): "<name>:<line>: ..." on a mistake, or on a tag, filter, test, function or method that is not
/// supported
Block parse(std::string_view source, const std::string& name);

}  // namespace pst::jinja
