// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace pst::tokenizer {

/// Classes of characters that HF tokenizers takes from tables of Unicode 8 and 9, found by asking tokenizers 0.22 for
/// every code point. They do not grow with the Unicode of this machine.

bool is_punctuation(char32_t c);      ///< of Punctuation and BertPreTokenizer: P*, and all signs of ASCII
bool is_nonspacing_mark(char32_t c);  ///< what BertNormalizer takes for an accent
bool is_mark(char32_t c);             ///< what StripAccents takes for one
bool is_invisible(char32_t c);        ///< what BertNormalizer removes: controls, formats, private use, NUL, U+FFFD

}  // namespace pst::tokenizer
