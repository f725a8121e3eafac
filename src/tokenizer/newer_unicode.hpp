// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>

namespace pst::tokenizer {

/// HF tokenizers classes characters by three versions of Unicode, and ours have to agree with each of them: its
/// patterns by 16.0 (Oniguruma), digits and lower case by 17.0 (Rust), normal forms by 9.0. PCRE2 10.42 knows 14.0 and
/// utf8proc 2.8 knows 15.0; the differences are listed here (compared code point by code point with tokenizers 0.23).

/// Members of the general category `category` ("Lu", or "L" for all letters) that PCRE2 does not know yet, to be
/// written inside brackets.
std::string newer_in_category(std::string_view category);
/// The same for a script; nothing for one that did not grow.
std::string newer_in_script(std::string_view script);
/// Whether `text` has a character for which the above matters. `text` must be well-formed UTF-8.
bool has_newer_characters(std::string_view text);

/// The general category of a character that PCRE2 does not know; else empty.
std::string_view newer_category(char32_t c);

bool is_newer_mark(char32_t c);         ///< nonspacing since Unicode 15
bool is_newer_numeric(char32_t c);      ///< numeric in Unicode 17, unknown to utf8proc
char32_t newer_lower_case(char32_t c);  ///< lower case in Unicode 17 where utf8proc has none; else `c`
bool is_unknown_to_forms(char32_t c);   ///< newer than Unicode 9 and no longer left alone by normalisation

}  // namespace pst::tokenizer
