// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace pst::tokenizer {

/// Rust's \w: what is alphabetic, marks, decimal digits, connecting punctuation, the joiners.
bool is_word_character(char32_t c);

}  // namespace pst::tokenizer
