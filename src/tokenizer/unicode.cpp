// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/unicode.hpp"

#include <utf8proc.h>

#include <cstdint>
#include <cstring>

#include "tokenizer/newer_unicode.hpp"

namespace pst::tokenizer {
namespace {

struct Sequence {
  std::size_t length;  // of the well-formed character, or of the maximal malformed part
  bool good;
};

/// Table 3-7 of the Unicode standard: which second byte may follow which first one.
Sequence sequence_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(at);
  if (first < 0x80) return {1, true};
  if (first < 0xc2 || first > 0xf4) return {1, false};
  const std::size_t need = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  unsigned lowest = 0x80, highest = 0xbf;
  if (first == 0xe0) lowest = 0xa0;
  if (first == 0xed) highest = 0x9f;
  if (first == 0xf0) lowest = 0x90;
  if (first == 0xf4) highest = 0x8f;
  for (std::size_t i = 1; i < need; ++i) {
    if (at + i >= text.size() || byte(at + i) < lowest || byte(at + i) > highest) return {i, false};
    lowest = 0x80, highest = 0xbf;
  }
  return {need, true};
}

}  // namespace

std::size_t ascii_length(std::string_view text, std::size_t at) {
  const std::size_t begin = at;
  for (std::uint64_t eight = 0; at + 8 <= text.size(); at += 8) {
    std::memcpy(&eight, text.data() + at, 8);
    if ((eight & 0x8080808080808080u) != 0) break;
  }
  while (at < text.size() && static_cast<unsigned char>(text[at]) < 0x80) ++at;
  return at - begin;
}

void append_utf8(std::string& text, char32_t c) {
  const auto put = [&](char32_t byte) { text += static_cast<char>(byte); };
  if (c < 0x80) return put(c);
  if (c < 0x800) return put(0xc0 | c >> 6), put(0x80 | (c & 0x3f));
  if (c < 0x10000) return put(0xe0 | c >> 12), put(0x80 | (c >> 6 & 0x3f)), put(0x80 | (c & 0x3f));
  put(0xf0 | c >> 18), put(0x80 | (c >> 12 & 0x3f)), put(0x80 | (c >> 6 & 0x3f)), put(0x80 | (c & 0x3f));
}

bool is_white_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0d) || c == 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

bool is_numeric(char32_t c) {
  if (c < 0x80) return c >= '0' && c <= '9';
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return category == UTF8PROC_CATEGORY_ND || category == UTF8PROC_CATEGORY_NL || category == UTF8PROC_CATEGORY_NO ||
         is_newer_numeric(c);
}

std::size_t find_malformed(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    if (const std::size_t plain = ascii_length(text, at); plain > 0) {
      at += plain;
      continue;
    }
    const Sequence sequence = sequence_at(text, at);
    if (!sequence.good) return at;
    at += sequence.length;
  }
  return std::string_view::npos;
}

std::string lossy_utf8(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  for (std::size_t at = 0; at < bytes.size();) {
    const Sequence sequence = sequence_at(bytes, at);
    if (sequence.good)
      text += bytes.substr(at, sequence.length);
    else
      append_utf8(text, 0xfffd);
    at += sequence.length;
  }
  return text;
}

}  // namespace pst::tokenizer
