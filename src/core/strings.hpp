// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace pst {

/// Joins its arguments as operator<< prints them. Stands in for std::format, absent before GCC 13.
template <class... Parts>
std::string cat(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return std::move(out).str();
}

std::vector<std::string> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
std::string_view trim(std::string_view text);  ///< without spaces, tabs, CR and LF at either end
std::string lower(std::string_view text);      ///< ASCII only

/// The whole of `text` as a number, or nothing. No leading blanks, no trailing characters, no overflow.
std::optional<std::int64_t> to_int(std::string_view text);
std::optional<double> to_double(std::string_view text);

/// Shortest text that reads back as exactly `value` ("0.0002", "1e-08").
std::string number(double value);
/// `value` with `digits` after the point.
std::string fixed(double value, int digits);
/// "12.4 GiB", "812 B".
std::string human_bytes(std::uint64_t bytes);
/// "3 h 05 min", "2 min 07 s", "41 s".
std::string human_seconds(double seconds);
/// "1,234,567".
std::string grouped(std::int64_t value);

/// The candidate within a third of `word`'s length in edits (transpositions count one), or nothing.
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates);

/// Bytes of the UTF-8 character at the start of `text`, which is not empty; 0 when there is none.
std::size_t utf8_length(std::string_view text);
/// True for a byte sequence that is well-formed UTF-8 (no overlong forms, no surrogates).
bool is_utf8(std::string_view text);
/// Position and value of the first ASCII control character (below 0x20 or 0x7f), or nothing.
std::optional<std::pair<std::size_t, unsigned char>> find_control(std::string_view text);
/// `text` in double quotes with control characters (C0, DEL, C1) and invalid bytes as \xNN: safe in a message.
std::string quoted(std::string_view text, std::size_t max_length = 200);
// Without these, a call with a std::string or a literal means std::quoted where <iomanip> is included: it is found by
// argument-dependent lookup, matches better than a conversion to string_view, and lets control characters through.
inline std::string quoted(const std::string& text, std::size_t max_length = 200) {
  return quoted(std::string_view(text), max_length);
}
inline std::string quoted(std::string& text, std::size_t max_length = 200) {
  return quoted(std::string_view(text), max_length);
}
inline std::string quoted(const char* text, std::size_t max_length = 200) {
  return quoted(std::string_view(text), max_length);
}

/// `text` as one word for a shell, in single quotes where it needs them: for commands that a person is to type.
std::string shell_quoted(std::string_view text);

}  // namespace pst
