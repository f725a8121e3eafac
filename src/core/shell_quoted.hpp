// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>

namespace pst {

/// `text` as one word for a shell, in single quotes where it needs them: for commands that a person is to type.
std::string shell_quoted(std::string_view text);

}  // namespace pst
