// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

namespace pst::runs {

/// Starts a program in our place: its output and exit status are ours. @throws Error(unfit) when it cannot be started
[[noreturn]] void exec_worker(std::vector<std::string> argv);

}  // namespace pst::runs
