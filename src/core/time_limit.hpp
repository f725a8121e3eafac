// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

namespace pst {

/// Ends this process `seconds` from now with status 75 and `what` as an error, whatever it does then: for work that may
/// hang in other people's code, such as a network's. Once in a process; nothing happens for 0 seconds.
void end_after(double seconds, const std::string& what, const std::string& remedy);

}  // namespace pst
