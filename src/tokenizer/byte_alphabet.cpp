// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/byte_alphabet.hpp"

#include <array>

#include "tokenizer/unicode.hpp"

namespace pst::tokenizer {
namespace {

constexpr bool stands_for_itself(unsigned byte) {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
}

struct Alphabet {
  std::array<char32_t, 256> letter{};
  std::array<int, 256 + 68> byte{};  // by letter; -1 where none
};

constexpr Alphabet make_alphabet() {
  Alphabet a;
  for (int& byte : a.byte) byte = -1;
  char32_t next = 0x100;
  for (unsigned byte = 0; byte < 256; ++byte) {
    a.letter[byte] = stands_for_itself(byte) ? static_cast<char32_t>(byte) : next++;
    a.byte[a.letter[byte]] = static_cast<int>(byte);
  }
  return a;
}
constexpr Alphabet kAlphabet = make_alphabet();

}  // namespace

std::string letter_of(unsigned char byte) {
  std::string letter;
  append_utf8(letter, kAlphabet.letter[byte]);
  return letter;
}

std::optional<std::string> bytes_spelled_by(std::string_view token) {
  std::string bytes;
  for (std::size_t at = 0; at < token.size();) {
    const char32_t letter = next_char(token, at);
    if (letter >= kAlphabet.byte.size() || kAlphabet.byte[letter] < 0) return std::nullopt;
    bytes += static_cast<char>(kAlphabet.byte[letter]);
  }
  return bytes;
}

}  // namespace pst::tokenizer
