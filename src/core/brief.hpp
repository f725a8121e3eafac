// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace pst {

/// A text that a stranger chose, for a message: its first bytes, never the half of a character.
std::string brief(std::string_view text, std::size_t most = 100);

}  // namespace pst
