// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "console/command_info.hpp"

namespace CLI {
class App;
}

namespace pst::cli {

/// The commands and options of `app`, without the hidden ones.
console::CommandInfo describe(const CLI::App& app);

}  // namespace pst::cli
