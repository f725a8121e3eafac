// SPDX-License-Identifier: Apache-2.0
#include "report/line_blocks.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::report {
namespace {

constexpr std::size_t kBlock = std::size_t{2} << 20;  // and so the longest line

class Descriptor {
 public:
  explicit Descriptor(const std::filesystem::path& file) : number_(::open(file.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (number_ < 0) throw Error(Fault::io, cat("cannot open ", file.string(), ": ", std::strerror(errno)));
  }
  ~Descriptor() { ::close(number_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  std::size_t read(char* to, std::size_t size, const std::filesystem::path& file) const {
    const auto got = ::read(number_, to, size);
    if (got < 0) throw Error(Fault::io, cat("cannot read ", file.string(), ": ", std::strerror(errno)));
    return static_cast<std::size_t>(got);
  }

 private:
  int number_;
};

}  // namespace

LineCount for_each_line(const std::filesystem::path& file, const std::function<void(std::string_view)>& take) {
  const Descriptor in(file);
  std::vector<char> block(kBlock);
  LineCount count;
  std::size_t kept = 0;  // bytes of an unfinished line at the block's beginning
  bool discarding = false;
  for (std::size_t got; (got = in.read(block.data() + kept, block.size() - kept, file)) > 0;) {
    const std::size_t size = kept + got;
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
