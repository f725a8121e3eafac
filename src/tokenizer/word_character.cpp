// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/word_character.hpp"

#include <string>
#include <vector>

#include "tokenizer/text_pattern.hpp"
#include "tokenizer/unicode.hpp"

namespace pst::tokenizer {
namespace {

bool is_ascii_word(char32_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/// Of every code point, found with one search through all of them.
std::vector<bool> word_characters() {
  std::string all;
  std::vector<char32_t> characters;  // by byte of `all`
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xd800 && c < 0xe000) continue;
    append_utf8(all, c);
    characters.resize(all.size(), c);
  }
  // Oniguruma's \w lacks the joiners, and has the Latin-1 digits and fractions.
  const Pattern word = Pattern::regex("(?:(?![\\x{b2}\\x{b3}\\x{b9}\\x{bc}-\\x{be}])[\\w\\x{200c}\\x{200d}])+");
  std::vector<bool> is_word(0x110000);
  Effort effort(all.size());
  Scan scan(word, /*newer=*/true, effort);
  scan.start(all);
  while (const auto match = scan.next())
    for (std::size_t at = match->begin; at < match->end; ++at) is_word[characters[at]] = true;
  return is_word;
}

}  // namespace

bool is_word_character(char32_t c) {
  if (c < 0x80) return is_ascii_word(c);
  static const std::vector<bool> kWord = word_characters();
  return c < kWord.size() && kWord[c];
}

}  // namespace pst::tokenizer
