// SPDX-License-Identifier: Apache-2.0
#include "core/proc_value.hpp"

#include <fstream>

#include "core/strings.hpp"

namespace pst {

std::string proc_value(const std::filesystem::path& file, std::string_view key) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    const auto colon = line.find(':');
    if (colon != std::string::npos && trim(std::string_view(line).substr(0, colon)) == key)
      return std::string(trim(std::string_view(line).substr(colon + 1)));
  }
  return {};
}

std::string cpu_model(const std::filesystem::path& proc) { return proc_value(proc / "cpuinfo", "model name"); }

}  // namespace pst
