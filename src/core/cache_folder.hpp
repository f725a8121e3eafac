// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>

namespace pst {

/// Where this program keeps what it can make again: $XDG_CACHE_HOME/peft-studio, else ~/.cache/peft-studio.
/// @throws Error(usage) when neither XDG_CACHE_HOME nor HOME names an absolute folder
std::filesystem::path cache_folder();

}  // namespace pst
