// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>

#include "config/constraint.hpp"

namespace pst::site {

config::Constraint profile_name();        ///< up to 64 letters, digits, '.', '_', '-': it is a file's name
config::Constraint regular_expression();  ///< one that src/regex takes
config::Constraint one_option();          ///< "--name" or "--name=value"
config::Constraint exported_name();       ///< "NAME" or "NAME_*"
config::Constraint scratch_path();        ///< absolute or beginning with a variable; plain characters and $NAMEs

/// Whether the extended regular expression is found in `text`; false for one that is none.
/// @throws Error(usage) when that takes too many steps
bool is_found(const std::string& expression, const std::string& text);

/// "name" of "--name=value"; empty when it is no option.
std::string_view option_name(std::string_view option);

}  // namespace pst::site
