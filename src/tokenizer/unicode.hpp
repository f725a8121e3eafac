// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace pst::tokenizer {

/// The character at `at`, which moves behind it. `text` must be well-formed UTF-8 and `at` a character's first byte.
inline char32_t next_char(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return static_cast<char32_t>(static_cast<unsigned char>(text[i])); };
  const char32_t first = byte(at);
  if (first < 0x80) return ++at, first;
  if (first < 0xe0) return at += 2, (first & 0x1f) << 6 | (byte(at - 1) & 0x3f);
  if (first < 0xf0) return at += 3, (first & 0x0f) << 12 | (byte(at - 2) & 0x3f) << 6 | (byte(at - 1) & 0x3f);
  return at += 4,
         (first & 0x07) << 18 | (byte(at - 3) & 0x3f) << 12 | (byte(at - 2) & 0x3f) << 6 | (byte(at - 1) & 0x3f);
}

/// Length in bytes of the character that starts with `first`.
inline std::size_t char_length(char first) {
  const auto byte = static_cast<unsigned char>(first);
  return byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}

/// How many bytes of ASCII follow from `at` on.
std::size_t ascii_length(std::string_view text, std::size_t at);

void append_utf8(std::string& text, char32_t c);

bool is_white_space(char32_t c);  ///< Unicode's White_Space
bool is_numeric(char32_t c);      ///< general categories Nd, Nl and No

/// Position of the first byte that is not well-formed UTF-8, or npos.
std::size_t find_malformed(std::string_view text);

/// `bytes` with each malformed part as one U+FFFD (the maximal subpart rule of the Unicode standard, section 3.9).
std::string lossy_utf8(std::string_view bytes);

}  // namespace pst::tokenizer
