// SPDX-License-Identifier: Apache-2.0
#include "datafiles/lines.hpp"

#include "core/strings.hpp"
#include "datafiles/encoding.hpp"

namespace pst::datafiles {

std::optional<std::string_view> Lines::next() {
  window_.drop(used_);
  used_ = 0;
  while (skips_) {
    const auto end = window_.front().find('\n');
    window_.drop(end == std::string_view::npos ? window_.front().size() : end + 1);
    skips_ = end == std::string_view::npos && window_.grow();
  }
  if (number_ == 0) skip_mark(window_);
  for (std::size_t looked = 0;;) {
    const std::string_view front = window_.front();
    const auto end = front.find('\n', looked);
    if (end != front.npos) {
      ++number_;
      used_ = end + 1;
      const std::string_view line = front.substr(0, end);
      return line.ends_with("\r") ? line.substr(0, line.size() - 1) : line;
    }
    if (front.size() > kLongest) {
      ++number_;
      skips_ = true;
      return front;
    }
    looked = front.size();
    if (window_.grow()) continue;
    const std::string_view last = window_.front();
    if (last.empty()) return std::nullopt;
    ++number_;
    used_ = last.size();
    return last.ends_with("\r") ? last.substr(0, last.size() - 1) : last;
  }
}

std::optional<std::string> flaw_of_line(std::string_view line) {
  if (line.size() > Lines::kLongest) return "the line is longer than 64 MiB; split the example";
  if (line.find('\0') != line.npos) return "the line has a NUL byte; the file is damaged or not text";
  if (is_utf8(line)) return std::nullopt;
  const std::string encoding = encoding_of(line);
  return cat("the line is not UTF-8; convert the file, for instance with iconv, or name its encoding",
             encoding.empty() ? std::string() : cat(" (it may be ", encoding, ")"));
}

void skip_mark(Window& window) {
  while (window.front().size() < 3 && window.grow()) {
  }
  if (window.front().starts_with("\xef\xbb\xbf")) window.drop(3);
}

}  // namespace pst::datafiles
