// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace pst::jinja {

// The characters of UTF-8, and what Python and Unicode say about one. All texts are well-formed; positions count
// characters.

/// Bytes of the character that starts with `first`.
inline std::size_t char_bytes(char first) {
  const auto byte = static_cast<unsigned char>(first);
  return byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}
char32_t char_at(std::string_view text, std::size_t byte);
void append_char(std::string& text, char32_t c);
/// As Python's escapes write it, behind their backslash: x0b, u2028, U0001f600.
std::string hex_escape(char32_t c);
std::size_t length_of(std::string_view text);
/// Byte position of character `index`, text.size() beyond the end.
std::size_t byte_of(std::string_view text, std::size_t index);

bool is_python_space(char32_t c);   ///< str.isspace
bool is_letter(char32_t c);         ///< str.isalpha
bool is_decimal_digit(char32_t c);  ///< str.isdecimal
bool is_digit_like(char32_t c);     ///< str.isdigit
bool is_printable(char32_t c);      ///< str.isprintable
bool is_upper(char32_t c);
bool is_lower(char32_t c);
bool is_cased(char32_t c);           ///< Unicode's Cased
bool is_case_ignorable(char32_t c);  ///< Unicode's Case_Ignorable

}  // namespace pst::jinja
