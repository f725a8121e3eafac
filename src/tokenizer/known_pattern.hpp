// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string_view>
#include <vector>

#include "tokenizer/aligned.hpp"

namespace pst::tokenizer {

/// Cuts a text into the matches of a pattern and what is between them, and adds the pieces, moved by `base`; none is
/// empty. Linear in the text, which is well-formed UTF-8.
using Cutter = void (*)(std::string_view text, std::size_t base, std::vector<Range>& out);

/// Patterns that many published models share have a cutter written by hand, ten times as fast as the regular
/// expression. @param pattern in Oniguruma's syntax. @return null for all others
Cutter cutter_of(std::string_view pattern);

/// The patterns that have one; the tests compare each with its regular expression.
std::vector<std::string_view> known_patterns();

}  // namespace pst::tokenizer
