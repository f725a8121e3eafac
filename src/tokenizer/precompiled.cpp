// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/precompiled.hpp"

#include <utf8proc.h>

#include <array>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "core/strings.hpp"
#include "tokenizer/base64.hpp"
#include "tokenizer/newer_unicode.hpp"
#include "tokenizer/unicode.hpp"

namespace pst::tokenizer {
namespace {

constexpr std::size_t kShortCluster = 6;  // bytes

/// A trie in one array of 32-bit units. @see darts-clone, double-array unit layout
class DoubleArray {
 public:
  DoubleArray() = default;
  explicit DoubleArray(std::vector<std::uint32_t> units) : units_(std::move(units)) {}

  /// The value of the shortest key that `text` begins with.
  std::optional<std::uint32_t> shortest_prefix(std::string_view text) const {
    std::size_t at = 0;
    if (!step(at, 0)) return std::nullopt;
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte == 0) return std::nullopt;
      at ^= byte;
      if (at >= units_.size() || (units_[at] & 0x8000'00ffu) != byte) return std::nullopt;
      const bool has_value = (units_[at] >> 8 & 1) != 0;
      if (!step(at, at)) return std::nullopt;
      if (has_value) return at < units_.size() ? std::optional(units_[at] & 0x7fff'ffffu) : std::nullopt;
    }
    return std::nullopt;
  }

 private:
  bool step(std::size_t& at, std::size_t unit) const {
    if (unit >= units_.size()) return false;
    const std::uint32_t value = units_[unit];
    at ^= static_cast<std::size_t>(value >> 10) << ((value & 0x200u) >> 6);
    return true;
  }
  std::vector<std::uint32_t> units_;
};

bool breaks_between(char32_t before, char32_t c, utf8proc_int32_t& state) {
  if (is_newer_mark(c) && before != '\r' && before != '\n') return false;
  return utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(before), static_cast<utf8proc_int32_t>(c),
                                          &state);
}

struct Precompiled final : Normalizer::Step {
  explicit Precompiled(const json::Object& node) {
    const json::Node map = node.at("precompiled_charsmap");
    const auto bytes = from_base64(map.text());
    if (!bytes) map.refuse("is not base64");
    if (bytes->size() < 4) map.refuse("is too short");
    const auto number_at = [&](std::size_t at) {
      std::uint32_t number = 0;
      for (std::size_t i = 4; i-- > 0;) number = number << 8 | static_cast<unsigned char>((*bytes)[at + i]);
      return number;
    };
    const std::size_t size = number_at(0);
    if (size % 4 != 0 || size > bytes->size() - 4) map.refuse(cat("gives its trie ", size, " bytes, which it has not"));
    std::vector<std::uint32_t> units;
    for (std::size_t at = 4; at < 4 + size; at += 4) units.push_back(number_at(at));
    trie_ = DoubleArray(std::move(units));
    replacements_ = bytes->substr(4 + size);
    if (!is_utf8(replacements_)) map.refuse("has replacements that are not UTF-8");
    for (char c = 1; c > 0; ++c) ascii_stays_[static_cast<std::size_t>(c)] = !replacement(std::string(1, c));
    ascii_stays_[0] = true;
  }

  Aligned apply(Aligned in, Effort& effort) const override {
    const auto text = in.text();
    Aligned out = in.emptied();
    std::size_t copied = 0;
    bool changed = false;
    const auto replace = [&](std::size_t begin, std::size_t end) {
      const auto with = replacement(text.substr(begin, end - begin));
      if (!with) return false;
      effort.write(begin - copied + with->size());
      out.append(in, {copied, begin});
      out.append(*with, in.original({begin, end}));
      copied = end;
      return changed = true;
    };
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t begin = at;
      at = cluster_end(text, begin);
      if (at == begin + 1 && ascii_stays_[static_cast<unsigned char>(text[begin])]) continue;
      if (at - begin < kShortCluster && replace(begin, at)) continue;
      for (std::size_t c = begin; c < at;) {
        const std::size_t end = c + char_length(text[c]);
        replace(c, end);
        c = end;
      }
    }
    if (!changed) return in;
    effort.write(text.size() - copied);
    out.append(in, {copied, text.size()});
    return out;
  }

 private:
  /// Where the characters that are read as one end. @see Unicode Annex 29
  static std::size_t cluster_end(std::string_view text, std::size_t begin) {
    std::size_t at = begin;
    char32_t before = next_char(text, at);
    // Nothing of ASCII but a line feed joins what is before it.
    utf8proc_int32_t state = 0;
    while (at < text.size()) {
      if (before < 0x80 && static_cast<unsigned char>(text[at]) < 0x80 && before != '\r') return at;
      std::size_t next = at;
      const char32_t c = next_char(text, next);
      if (breaks_between(before, c, state)) return at;
      before = c;
      at = next;
    }
    return at;
  }

  std::optional<std::string_view> replacement(std::string_view text) const {
    const auto at = trie_.shortest_prefix(text);
    if (!at || *at > replacements_.size()) return std::nullopt;
    const auto rest = std::string_view(replacements_).substr(*at);
    return rest.substr(0, rest.find('\0'));
  }

  DoubleArray trie_;
  std::string replacements_;  // each with a NUL behind it
  std::array<bool, 0x80> ascii_stays_{};
};

}  // namespace

std::unique_ptr<Normalizer::Step> precompiled(const json::Object& node) { return std::make_unique<Precompiled>(node); }

}  // namespace pst::tokenizer
