// SPDX-License-Identifier: Apache-2.0
#include "datarules/canonical_text.hpp"

#include <utf8proc.h>

#include <array>

#include "core/keyed_hash.hpp"
#include "tokenizer/unicode.hpp"

namespace pst::datarules {
namespace {

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

void add_blank(std::string& to) {
  if (!to.empty() && to.back() != ' ') to += ' ';
}

void add_wide(std::string& to, char32_t c) {
  std::array<utf8proc_int32_t, 32> parts{};
  const auto count = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c), parts.data(), parts.size(),
                                             UTF8PROC_DECOMPOSE, nullptr);
  for (utf8proc_ssize_t i = 0; i < count; ++i) {
    const auto part = parts[static_cast<std::size_t>(i)];
    switch (utf8proc_category(part)) {
      case UTF8PROC_CATEGORY_MN: break;
      case UTF8PROC_CATEGORY_LU:
      case UTF8PROC_CATEGORY_LT: tokenizer::append_utf8(to, static_cast<char32_t>(utf8proc_tolower(part))); break;
      case UTF8PROC_CATEGORY_LL:
      case UTF8PROC_CATEGORY_LM:
      case UTF8PROC_CATEGORY_LO:
      case UTF8PROC_CATEGORY_MC:
      case UTF8PROC_CATEGORY_ND:
      case UTF8PROC_CATEGORY_NL:
      case UTF8PROC_CATEGORY_NO: tokenizer::append_utf8(to, static_cast<char32_t>(part)); break;
      default: add_blank(to);
    }
  }
}

}  // namespace

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  for (std::size_t at = 0; at < text.size();) {
    while (at < text.size() && is_space(text[at])) ++at;
    const std::size_t begin = at;
    while (at < text.size() && !is_space(text[at])) ++at;
    if (at > begin) words.push_back(text.substr(begin, at - begin));
  }
  return words;
}

std::string canonical(std::string_view text) {
  std::string simple;
  simple.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (static_cast<unsigned char>(c) >= 0x80) {
      add_wide(simple, tokenizer::next_char(text, at));
      continue;
    }
    ++at;
    if (c >= 'A' && c <= 'Z')
      simple += static_cast<char>(c - 'A' + 'a');
    else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
      simple += c;
    else
      add_blank(simple);
  }
  if (!simple.empty() && simple.back() == ' ') simple.pop_back();
  return simple;
}

TextKey key_of(std::string_view text) {
  const auto& secret = process_secret();
  return {siphash13(secret, text), siphash13({secret[1] ^ 0x5bd1e995, secret[0]}, text)};
}

}  // namespace pst::datarules
