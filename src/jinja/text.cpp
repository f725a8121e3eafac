// SPDX-License-Identifier: Apache-2.0
#include "jinja/text.hpp"

#include <algorithm>

#include "jinja/characters.hpp"

namespace pst::jinja {
namespace {

bool is_line_break(char32_t c) {
  return (c >= 0x0a && c <= 0x0d) || (c >= 0x1c && c <= 0x1e) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

bool taken(std::string_view character, const std::optional<std::string>& characters) {
  return characters ? characters->find(character) != std::string::npos : is_python_space(char_at(character, 0));
}

}  // namespace

std::string_view strip_left(std::string_view text, const std::optional<std::string>& characters) {
  while (!text.empty() && taken(text.substr(0, char_bytes(text[0])), characters))
    text.remove_prefix(char_bytes(text[0]));
  return text;
}

std::string_view strip_right(std::string_view text, const std::optional<std::string>& characters) {
  while (!text.empty()) {
    std::size_t at = text.size() - 1;
    while ((static_cast<unsigned char>(text[at]) & 0xc0) == 0x80) --at;
    if (!taken(text.substr(at), characters)) break;
    text = text.substr(0, at);
  }
  return text;
}

std::string_view strip_left(std::string_view text) { return strip_left(text, std::nullopt); }
std::string_view strip_right(std::string_view text) { return strip_right(text, std::nullopt); }

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> out;
  std::size_t start = 0;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = char_at(text, at);
    const std::size_t end = at;
    at += char_bytes(text[at]);
    if (!is_line_break(c)) continue;
    if (c == '\r' && at < text.size() && text[at] == '\n') ++at;
    out.emplace_back(text.substr(start, end - start));
    start = at;
  }
  if (start < text.size()) out.emplace_back(text.substr(start));
  return out;
}

std::vector<std::string> split_space(std::string_view text, std::int64_t at_most) {
  std::vector<std::string> out;
  text = strip_left(text);
  while (!text.empty()) {
    if (at_most >= 0 && static_cast<std::int64_t>(out.size()) == at_most) {
      out.emplace_back(text);  // the rest keeps its white space at the end
      break;
    }
    std::size_t end = 0;
    while (end < text.size() && !is_python_space(char_at(text, end))) end += char_bytes(text[end]);
    out.emplace_back(text.substr(0, end));
    text = strip_left(text.substr(end));
  }
  return out;
}

std::vector<std::string> split_by(std::string_view text, std::string_view separator, std::int64_t at_most) {
  std::vector<std::string> out;
  while (at_most < 0 || static_cast<std::int64_t>(out.size()) < at_most) {
    const auto end = text.find(separator);
    if (end == std::string_view::npos) break;
    out.emplace_back(text.substr(0, end));
    text.remove_prefix(end + separator.size());
  }
  out.emplace_back(text);
  return out;
}

std::vector<std::string> split_by_from_right(std::string_view text, std::string_view separator, std::int64_t at_most) {
  std::vector<std::string> out;
  while (at_most < 0 || static_cast<std::int64_t>(out.size()) < at_most) {
    const auto begin = text.rfind(separator);
    if (begin == std::string_view::npos) break;
    out.emplace_back(text.substr(begin + separator.size()));
    text = text.substr(0, begin);
  }
  out.emplace_back(text);
  std::reverse(out.begin(), out.end());
  return out;
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
      const auto found = text.find(what, at);
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
