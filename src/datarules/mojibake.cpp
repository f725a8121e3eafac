// SPDX-License-Identifier: Apache-2.0
#include "datarules/mojibake.hpp"

#include <algorithm>
#include <array>

#include "core/strings.hpp"
#include "tokenizer/unicode.hpp"

namespace pst::datarules {
namespace {

/// What Windows-1252 has from 0x80 to 0x9f; 0 where it has nothing, and Latin-1's control is meant.
constexpr std::array<char32_t, 32> kWindows = {0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
                                               0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0,      0x017d, 0,
                                               0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
                                               0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178};

/// The byte that a program read as `c`; nothing for a character that no byte from 0x80 on stands for.
std::optional<unsigned char> byte_of(char32_t c) {
  if (c >= 0x80 && c <= 0xff) return static_cast<unsigned char>(c);
  const auto found = std::find(kWindows.begin(), kWindows.end(), c);
  if (c == 0 || found == kWindows.end()) return std::nullopt;
  return static_cast<unsigned char>(0x80 + (found - kWindows.begin()));
}

/// First bytes of the letters of western Europe, Greek, Cyrillic, quotation marks and emoji: one such character is
/// enough. Others begin with what a language may well have before a quotation mark, as in "É»".
constexpr std::string_view kTelling = "\xc2\xc3\xce\xcf\xd0\xd1\xe2\xf0";

/// Whether the bytes are UTF-8 that somebody would write: no controls of C1, no planes that hardly anybody uses.
bool is_plausible(std::string_view bytes) {
  if (!is_utf8(bytes)) return false;
  int count = 0;
  for (std::size_t at = 0; at < bytes.size(); ++count) {
    const char32_t c = tokenizer::next_char(bytes, at);
    if ((c >= 0x80 && c < 0xa0) || (c >= 0xe000 && c <= 0xf8ff) || c >= 0x20000) return false;
  }
  return count > 1 || kTelling.find(bytes[0]) != kTelling.npos;
}

}  // namespace

std::optional<Mojibake> find_mojibake(std::string_view text) {
  std::string bytes;
  std::size_t begin = 0;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t here = at;
    std::optional<unsigned char> byte;
    if (at < text.size())
      byte = byte_of(tokenizer::next_char(text, at));
    else
      ++at;
    if (byte) {
      if (bytes.empty()) begin = here;
      bytes += static_cast<char>(*byte);
      continue;
    }
    if (bytes.size() >= 2 && is_plausible(bytes)) return Mojibake{begin, here, bytes};
    bytes.clear();
  }
  return std::nullopt;
}

}  // namespace pst::datarules
