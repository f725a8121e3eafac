// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>

namespace pst::tokenizer {

/// Whether classes hold what PCRE2 knows, or also the characters of newer_unicode.hpp.
enum class Unicode { of_pcre2, newest };

/// Rewrites a pattern in Oniguruma's syntax, which tokenizer.json means, into PCRE2's with the same matches.
/// The two differ in what \s, \w and \v are, in `{n,m}+` (possessive in PCRE2 only), `{,m}`, script names (PCRE2 means
/// Script_Extensions), `(?m)`, nested and intersected classes, \h and others; what cannot be carried over is refused.
/// @throws Error(data) naming the construct and its place in the pattern
/// @see https://github.com/kkos/oniguruma/blob/master/doc/RE and pcre2pattern(3)
std::string pcre2_from_oniguruma(std::string_view pattern, Unicode version);

}  // namespace pst::tokenizer
