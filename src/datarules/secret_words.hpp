// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string_view>

namespace pst::datarules {

/// What service's token a word is, by the prefixes that they publish: "GitHub token"; null for other words.
const char* token_kind(std::string_view word);

/// Whether the word stands in quotes beside `key`, `secret`, `token` or `password` and looks random: more than 4.5 bits
/// of entropy a character, or 3.0 where it has hexadecimal digits only. @see detect-secrets, high entropy strings
bool is_random_secret(std::string_view text, std::size_t begin, std::size_t end);

}  // namespace pst::datarules
