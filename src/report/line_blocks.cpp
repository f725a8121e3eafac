// SPDX-License-Identifier: Apache-2.0
#include "report/line_blocks.hpp"

#include <cstring>
#include <string>
#include <vector>

#include "core/file.hpp"

namespace pst::report {
namespace {

constexpr std::size_t kBlock = std::size_t{2} << 20;  // and so the longest line

}  // namespace

LineCount for_each_line(const std::filesystem::path& file, const std::function<void(std::string_view)>& take) {
  const RegularFile in(file);
  std::vector<char> block(kBlock);
  LineCount count;
  std::size_t kept = 0;  // bytes of an unfinished line at the block's beginning
  bool discarding = false;
  std::uint64_t read = 0;
  for (std::string got; !(got = in.read(read, block.size() - kept)).empty(); read += got.size()) {
    std::memcpy(block.data() + kept, got.data(), got.size());
    const std::size_t size = kept + got.size();
    const char *at = block.data(), *const end = block.data() + size;
    while (const auto* const newline =
               static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)))) {
      if (discarding) {
        discarding = false;
      } else if (newline > at) {
        ++count.lines;
        take({at, static_cast<std::size_t>(newline - at)});
      }
      at = newline + 1;
    }
    kept = static_cast<std::size_t>(end - at);
    if (kept == block.size()) {
      if (!discarding) ++count.too_long;
      discarding = true;
      kept = 0;
    } else if (kept > 0) {
      std::memmove(block.data(), at, kept);
    }
  }
  count.torn_end = kept > 0 && !discarding;
  return count;
}

}  // namespace pst::report
