// SPDX-License-Identifier: Apache-2.0
#include "jinja/text.hpp"

#include "core/text_search.hpp"
#include "jinja/characters.hpp"

namespace pst::jinja {
namespace {

bool is_line_break(char32_t c) {
  return (c >= 0x0a && c <= 0x0d) || (c >= 0x1c && c <= 0x1e) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

}  // namespace

Stripped::Stripped(std::string_view characters) : white_space_(false) {
  for (std::size_t at = 0; at < characters.size(); at += char_bytes(characters[at]))
    characters_.emplace(characters.substr(at, char_bytes(characters[at])));
}

bool Stripped::takes(std::string_view character) const {
  return white_space_ ? is_python_space(char_at(character, 0)) : characters_.contains(character);
}

std::string_view strip_left(std::string_view text, const Stripped& what) {
  while (!text.empty() && what.takes(text.substr(0, char_bytes(text[0])))) text.remove_prefix(char_bytes(text[0]));
  return text;
}

std::string_view strip_right(std::string_view text, const Stripped& what) {
  while (!text.empty()) {
    std::size_t at = text.size() - 1;
    while ((static_cast<unsigned char>(text[at]) & 0xc0) == 0x80) --at;
    if (!what.takes(text.substr(at))) break;
    text = text.substr(0, at);
  }
  return text;
}

void split_lines(std::string_view text, const TakePiece& take, LineEnds ends) {
  std::size_t start = 0;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = char_at(text, at);
    const std::size_t end = at;
    at += char_bytes(text[at]);
    if (!is_line_break(c)) continue;
    if (c == '\r' && at < text.size() && text[at] == '\n') ++at;
    take(text.substr(start, (ends == LineEnds::kept ? at : end) - start));
    start = at;
  }
  if (start < text.size()) take(text.substr(start));
}

void split_space(std::string_view text, std::int64_t at_most, const TakePiece& take) {
  std::int64_t taken = 0;
  text = strip_left(text);
  while (!text.empty()) {
    if (taken++ == at_most) return take(text);  // the rest keeps its white space at the end
    std::size_t end = 0;
    while (end < text.size() && !is_python_space(char_at(text, end))) end += char_bytes(text[end]);
    take(text.substr(0, end));
    text = strip_left(text.substr(end));
  }
}

void split_space_from_right(std::string_view text, std::int64_t at_most, const TakePiece& take) {
  std::int64_t taken = 0;
  text = strip_right(text);
  while (!text.empty()) {
    if (taken++ == at_most) return take(text);  // the rest keeps its white space at the start
    std::size_t begin = text.size();
    while (begin > 0) {
      std::size_t at = begin - 1;
      while ((static_cast<unsigned char>(text[at]) & 0xc0) == 0x80) --at;
      if (is_python_space(char_at(text, at))) break;
      begin = at;
    }
    take(text.substr(begin));
    text = strip_right(text.substr(0, begin));
  }
}

void split_by(std::string_view text, std::string_view separator, std::int64_t at_most, const TakePiece& take) {
  for (std::int64_t taken = 0; at_most < 0 || taken < at_most; ++taken) {
    const auto end = find_text(text, separator);
    if (end == std::string_view::npos) break;
    take(text.substr(0, end));
    text.remove_prefix(end + separator.size());
  }
  take(text);
}

void split_by_from_right(std::string_view text, std::string_view separator, std::int64_t at_most,
                         const TakePiece& take) {
  // Once backwards for all cuts, for the same reason that rfind_text() turns a text around.
  const std::string backwards(text.rbegin(), text.rend()), wanted(separator.rbegin(), separator.rend());
  std::size_t end = text.size();
  for (std::int64_t taken = 0; at_most < 0 || taken < at_most; ++taken) {
    const auto found = find_text(backwards, wanted, text.size() - end);
    if (found == std::string::npos) break;
    const std::size_t begin = text.size() - found;
    take(text.substr(begin, end - begin));
    end = begin - separator.size();
  }
  take(text.substr(0, end));
}

std::string replace(std::string_view text, std::string_view what, std::string_view with, std::int64_t at_most) {
  std::string out;
  std::size_t at = 0;
  while (at_most != 0) {
    if (what.empty()) {  // between all characters, and at both ends
      out += with;
      if (at >= text.size()) return out;
      out += text.substr(at, char_bytes(text[at]));
      at += char_bytes(text[at]);
    } else {
      const auto found = find_text(text, what, at);
      if (found == std::string_view::npos) break;
      out += text.substr(at, found - at);
      out += with;
      at = found + what.size();
    }
    if (at_most > 0) --at_most;
  }
  out += text.substr(at);
  return out;
}

}  // namespace pst::jinja
