// SPDX-License-Identifier: Apache-2.0
#include "data/text_lines.hpp"

#include "core/strings.hpp"

namespace pst::data {

TextLines::TextLines(std::string_view text) : rest_(text) {
  if (rest_.starts_with("\xef\xbb\xbf")) rest_.remove_prefix(3);
}

std::optional<std::string_view> TextLines::next() {
  if (rest_.empty()) return std::nullopt;
  ++number_;
  const auto end = rest_.find('\n');
  std::string_view line = rest_.substr(0, end);
  rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
  if (line.ends_with("\r")) line.remove_suffix(1);
  return line;
}

std::optional<std::string_view> flaw_of_line(std::string_view line) {
  if (line.size() > TextLines::kLongest) return "the line is longer than 64 MiB; split the example";
  if (line.find('\0') != std::string_view::npos) return "the line has a NUL byte; the file is damaged or not text";
  if (!is_utf8(line)) return "the line is not UTF-8; convert the file, for instance with iconv";
  return std::nullopt;
}

}  // namespace pst::data
