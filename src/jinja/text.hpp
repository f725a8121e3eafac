#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pst::jinja {

// Python's str, on UTF-8. All texts are well-formed; positions count characters.

/// Bytes of the character that starts with `first`.
inline std::size_t char_bytes(char first) {
  const auto byte = static_cast<unsigned char>(first);
  return byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}
char32_t char_at(std::string_view text, std::size_t byte);
void append_char(std::string& text, char32_t c);
std::size_t length_of(std::string_view text);
/// Byte position of character `index`, text.size() beyond the end.
std::size_t byte_of(std::string_view text, std::size_t index);
std::vector<std::string> characters_of(std::string_view text);

bool is_python_space(char32_t c);  ///< str.isspace
std::string_view strip_left(std::string_view text);
std::string_view strip_right(std::string_view text);
/// @param characters  those to take; white space when absent
std::string_view strip_left(std::string_view text, const std::optional<std::string>& characters);
std::string_view strip_right(std::string_view text, const std::optional<std::string>& characters);

std::string upper(std::string_view text);
std::string lower(std::string_view text);       ///< the final sigma included
std::string title(std::string_view text);       ///< str.title
std::string capitalize(std::string_view text);  ///< str.capitalize

std::vector<std::string> split_lines(std::string_view text);
std::vector<std::string> split_space(std::string_view text, std::int64_t at_most);
std::vector<std::string> split_by(std::string_view text, std::string_view separator, std::int64_t at_most);
std::vector<std::string> split_by_from_right(std::string_view text, std::string_view separator, std::int64_t at_most);
std::string replace(std::string_view text, std::string_view what, std::string_view with, std::int64_t at_most);

bool is_letter(char32_t c);         ///< str.isalpha
bool is_decimal_digit(char32_t c);  ///< str.isdecimal
bool is_digit_like(char32_t c);     ///< str.isdigit
bool is_printable(char32_t c);      ///< str.isprintable
bool is_upper(char32_t c);
bool is_lower(char32_t c);

}  // namespace pst::jinja
