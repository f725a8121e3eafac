// SPDX-License-Identifier: Apache-2.0
#include "core/cache_folder.hpp"

#include <cstdlib>

#include "core/error.hpp"

namespace pst {

std::filesystem::path cache_folder() {
  const auto folder_in = [](const char* variable) -> std::filesystem::path {
    const char* const value = std::getenv(variable);
    const std::filesystem::path path = value == nullptr ? "" : value;
    return path.is_absolute() ? path : std::filesystem::path();  // the XDG specification: relative ones are ignored
  };
  if (const auto cache = folder_in("XDG_CACHE_HOME"); !cache.empty()) return cache / "peft-studio";
  if (const auto home = folder_in("HOME"); !home.empty()) return home / ".cache" / "peft-studio";
  throw Error(Fault::usage, "neither XDG_CACHE_HOME nor HOME names a folder", "set one of them, or use --output FILE");
}

}  // namespace pst
