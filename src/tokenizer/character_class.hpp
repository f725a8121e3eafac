// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tokenizer/unicode.hpp"

namespace pst::tokenizer {

/// What the patterns of published models ask of a character. One that is in none is a control, a format, or unassigned.
struct CharacterClass {
  enum : std::uint8_t {
    upper = 1,    ///< Lu, Lt
    lower = 2,    ///< Ll
    uncased = 4,  ///< Lm, Lo
    letter = 1 | 2 | 4,
    mark = 8,        ///< M
    number = 16,     ///< N
    sign = 32,       ///< P, S
    space = 64,      ///< White_Space
    line_end = 128,  ///< CR, LF; they are white space too
  };
};

/// The classes of all characters, by code point, in the Unicode of the patterns (newer_unicode.hpp). Made once.
const std::uint8_t* character_classes();

/// A character of a text.
struct Seen {
  std::uint8_t classes = 0;
  std::uint8_t length = 0;  // bytes; 0 behind the end
};

inline Seen look(const std::uint8_t* classes, std::string_view text, std::size_t at) {
  if (at >= text.size()) return {};
  if (const auto byte = static_cast<unsigned char>(text[at]); byte < 0x80) return {classes[byte], 1};
  std::size_t end = at;
  const char32_t c = next_char(text, end);
  return {classes[c], static_cast<std::uint8_t>(end - at)};
}

}  // namespace pst::tokenizer
