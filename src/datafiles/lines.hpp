// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "datafiles/byte_stream.hpp"

namespace pst::datafiles {

/// The lines of a stream, one after the other, without their line ends (LF or CRLF) and without a byte order mark.
class Lines {
 public:
  static constexpr std::size_t kLongest = std::size_t{64} << 20;  ///< bytes; longer ones are no examples

  explicit Lines(Window& window) : window_(window) {}

  /// The next line, valid until the next call, or nothing at the end. A stream that ends without a line end has a last
  /// line all the same. Of a line that is too long there is the front, which flaw_of_line() tells.
  std::optional<std::string_view> next();
  int number() const { return number_; }  ///< of the line that next() returned, from 1

 private:
  Window& window_;
  std::size_t used_ = 0;  // of the window's front, by the latest line
  int number_ = 0;
  bool skips_ = false;  // the latest line goes on
};

/// What is wrong with a line before anybody looks at its meaning: too long, a NUL byte, not UTF-8. Nothing when it is
/// fine.
std::optional<std::string> flaw_of_line(std::string_view line);

/// Drops a byte order mark at the front.
void skip_mark(Window& window);

}  // namespace pst::datafiles
