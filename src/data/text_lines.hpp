// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <optional>
#include <string_view>

namespace pst::data {

/// The lines of a mapped file, one after the other, without their line ends (LF or CRLF) and without a byte order mark.
class TextLines {
 public:
  static constexpr std::size_t kLongest = std::size_t{64} << 20;  ///< bytes; longer ones are no examples

  explicit TextLines(std::string_view text);

  /// The next line, or nothing at the end. A file that ends without a line end has a last line all the same.
  std::optional<std::string_view> next();
  int number() const { return number_; }  ///< of the line that next() returned, from 1

 private:
  std::string_view rest_;
  int number_ = 0;
};

/// What is wrong with a line before anybody looks at its meaning: too long, a NUL byte, not UTF-8. Nothing when it is
/// fine.
std::optional<std::string_view> flaw_of_line(std::string_view line);

}  // namespace pst::data
