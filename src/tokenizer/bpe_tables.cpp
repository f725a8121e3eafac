// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <cstring>

#include "tokenizer/bpe.hpp"

namespace pst::tokenizer {
namespace {

template <class Number>
Number load(const char* from) {
  Number number;
  std::memcpy(&number, from, sizeof number);
  return number;
}

constexpr std::size_t kBitsPerSlot = 8;  // 16 to 32 for a merge

int shift_for(std::size_t count) { return 64 - std::bit_width(std::bit_ceil(std::max<std::size_t>(count, 8) * 2) - 1); }

}  // namespace

void Bpe::MergeTable::reserve(std::size_t count) {
  shift_ = shift_for(count);
  slots_.assign(std::size_t{1} << (64 - shift_), {});
  bits_.assign(slots_.size() * kBitsPerSlot / 64, 0);
}

void Bpe::MergeTable::set(std::int32_t left, std::int32_t right, Merge merge) {
  const auto key = static_cast<std::uint64_t>(left) << 32 | static_cast<std::uint32_t>(right);
  const auto hashed = hash(key);
  auto at = hashed >> shift_;
  while (slots_[at].key != kFree && slots_[at].key != key) at = (at + 1) & (slots_.size() - 1);
  slots_[at] = {key, merge};
  bits_[hashed / 64 & (bits_.size() - 1)] |= std::uint64_t{1} << (hashed % 64);
}

Bpe::Merge Bpe::MergeTable::find(std::int32_t left, std::int32_t right) const {
  const auto key = static_cast<std::uint64_t>(left) << 32 | static_cast<std::uint32_t>(right);
  const auto hashed = hash(key);
  if ((bits_[hashed / 64 & (bits_.size() - 1)] >> (hashed % 64) & 1) == 0) return {};
  for (auto at = hashed >> shift_; slots_[at].key != kFree; at = (at + 1) & (slots_.size() - 1))
    if (slots_[at].key == key) return slots_[at].merge;
  return {};
}

void Bpe::JointTable::number(const std::vector<std::int32_t>& ids) {
  std::vector<std::pair<std::int32_t, std::uint32_t>> characters;  // in the order of ids, ASCII first
  for (std::uint32_t c = 0; c < ids.size(); ++c)
    if (ids[c] >= 0) characters.emplace_back(c < 0x80 ? -1 : ids[c], c);
  std::stable_sort(characters.begin(), characters.end());
  numbers_.assign(ids.size(), 0);
  ids_.assign(1, -1);
  for (const auto& [order, c] : characters) {
    if (ids_.size() == kNumbers) break;
    numbers_[c] = static_cast<std::uint16_t>(ids_.size());
    ids_.push_back(ids[c]);
  }
}

void Bpe::JointTable::fill() {
  bits_.assign(kNumbers * kNumbers / 64, 0);
  for (std::size_t left = 1; left < ids_.size(); ++left)
    for (std::size_t right = 1; right < ids_.size(); ++right) {
      const std::size_t bit = left * kNumbers + right;
      if (has(ids_[left], ids_[right])) bits_[bit / 64] |= std::uint64_t{1} << (bit % 64);
    }
}

void Bpe::WordTable::reserve(std::size_t count) {
  shift_ = shift_for(count);
  slots_.assign(std::size_t{1} << (64 - shift_), {});
}

Bpe::ShortWord Bpe::ShortWord::of(std::string_view word) {
  ShortWord key;
  key.length = static_cast<std::uint32_t>(word.size());
  const char* const p = word.data();
  const std::size_t size = word.size();
  // Loads that overlap, in place of a copy whose length the compiler does not know.
  if (size >= 8) {
    key.low = load<std::uint64_t>(p);
    if (size > 8) key.high = load<std::uint64_t>(p + size - 8) >> (8 * (16 - size));
  } else if (size >= 4) {
    key.low = load<std::uint32_t>(p) | static_cast<std::uint64_t>(load<std::uint32_t>(p + size - 4))
                                           << (8 * (size - 4));
  } else {
    for (const std::size_t i : {std::size_t{0}, size / 2, size - 1})
      key.low |= static_cast<std::uint64_t>(static_cast<unsigned char>(p[i])) << (8 * i);
  }
  return key;
}

Bpe::ShortWord Bpe::ShortWord::of(std::string_view text, Range word) {
  const std::size_t size = word.size();
  if (word.begin + kLongest > text.size()) return of(text.substr(word.begin, size));
  constexpr std::uint64_t kAll = ~std::uint64_t{0};
  const char* const p = text.data() + word.begin;
  // Words of all lengths take the same way: a branch on the length is guessed wrong half of the time.
  const std::uint64_t low_mask = size >= 8 ? kAll : kAll >> (8 * (8 - size));
  const std::uint64_t high_mask = size <= 8 ? 0 : kAll >> (8 * (16 - size));
  return {load<std::uint64_t>(p) & low_mask, load<std::uint64_t>(p + 8) & high_mask, static_cast<std::uint32_t>(size)};
}

void Bpe::WordTable::set(std::string_view word, std::int32_t id) {
  if (word.size() > ShortWord::kLongest) {
    long_words_.emplace(word, id);
    return;
  }
  const ShortWord key = ShortWord::of(word);
  auto at = place(hash(key));
  while (slots_[at].word.length != 0) at = (at + 1) & (slots_.size() - 1);
  slots_[at] = {key, id};
}

std::int32_t Bpe::WordTable::find(const ShortWord& word, std::size_t place) const {
  for (auto at = place; slots_[at].word.length != 0; at = (at + 1) & (slots_.size() - 1))
    if (slots_[at].word == word) return slots_[at].id;
  return -1;
}

std::int32_t Bpe::WordTable::find(std::string_view word) const {
  if (word.size() <= ShortWord::kLongest) {
    const ShortWord key = ShortWord::of(word);
    return find(key, place(hash(key)));
  }
  if (long_words_.empty()) return -1;
  const auto found = long_words_.find(word);
  return found == long_words_.end() ? -1 : found->second;
}

}  // namespace pst::tokenizer
