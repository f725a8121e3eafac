// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string_view>

namespace pst::report {

/// Gives every line of a file to `take`, in blocks of a few megabytes: node files are gigabytes for long runs, and a
/// mapping of them would count as this process's memory. A last line without its newline is torn, and so not given.
struct LineCount {
  std::int64_t lines = 0, too_long = 0;
  bool torn_end = false;
};
/// @throws Error(io) when the file cannot be read
LineCount for_each_line(const std::filesystem::path& file, const std::function<void(std::string_view)>& take);

}  // namespace pst::report
