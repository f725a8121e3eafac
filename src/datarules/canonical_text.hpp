// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pst::datarules {

/// What stands between white space (of ASCII).
std::vector<std::string_view> words_of(std::string_view text);

/// A text as duplicates are looked for: lower case, letters without marks (NFD without Mn), punctuation, symbols and
/// controls as blanks, one blank between words. Digits stay: two exercises that differ in a number are two.
/// @see datatrove, simplify_text, which folds numbers, too
std::string canonical(std::string_view text);

/// 128 bits of a text, under a secret of the process.
struct TextKey {
  std::uint64_t low = 0, high = 0;
  bool operator==(const TextKey&) const = default;
};
TextKey key_of(std::string_view text);
struct TextKeyHash {
  std::size_t operator()(const TextKey& key) const { return key.low; }
};

}  // namespace pst::datarules
