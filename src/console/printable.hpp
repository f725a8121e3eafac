// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>

namespace pst::console {

/// The line as a terminal may get it: without control characters, which a model's output or a library may contain.
std::string printable(std::string_view line);

}  // namespace pst::console
