// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace pst {

/// Two random words, drawn once in each process. What depends on them (where an entry of a table lies) never reaches a
/// result: results are the same in every process.
const std::array<std::uint64_t, 2>& process_secret();

/// SipHash-1-3 of `text`.
std::uint64_t siphash13(const std::array<std::uint64_t, 2>& key, std::string_view text);

/// A text of at most 16 bytes as two words.
struct ShortText {
  std::uint64_t low = 0, high = 0;
  explicit ShortText(std::string_view text) {
    if (text.empty()) return;  // which may have no address
    std::memcpy(&low, text.data(), text.size() < 8 ? text.size() : 8);
    if (text.size() > 8) std::memcpy(&high, text.data() + 8, text.size() - 8);
  }
};

/// The two halves of a product: with a secret in each factor a hash of two words, in one multiplication.
inline std::uint64_t folded_product(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const auto product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

/// For tables whose keys strangers choose. Keys that collide under std::hash can be computed in advance, and a table of
/// them takes quadratic time; under a secret key they cannot. Up to 16 bytes are a folded product, longer texts
/// SipHash-1-3.
/// @see Aumasson and Bernstein 2012, "SipHash: a fast short-input PRF"
struct KeyedHash {
  using is_transparent = void;  ///< a map keyed by strings can be searched with a string_view
  std::size_t operator()(std::string_view text) const {
    if (text.size() > 16) return siphash13(process_secret(), text);
    const ShortText words(text);
    const auto& secret = process_secret();
    return folded_product(words.low ^ secret[0], words.high ^ (secret[1] + text.size()));
  }
};

}  // namespace pst
