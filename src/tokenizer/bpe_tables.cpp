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

int shift_for(std::size_t count) { return 64 - std::bit_width(std::bit_ceil(std::max<std::size_t>(count, 8) * 2) - 1); }

}  // namespace

void Bpe::MergeTable::reserve(std::size_t count) {
  shift_ = shift_for(count);
  slots_.assign(std::size_t{1} << (64 - shift_), {});
}

void Bpe::MergeTable::set(std::int32_t left, std::int32_t right, Merge merge) {
  const auto key = static_cast<std::uint64_t>(left) << 32 | static_cast<std::uint32_t>(right);
  auto at = place(key);
  while (slots_[at].key != kFree && slots_[at].key != key) at = (at + 1) & (slots_.size() - 1);
  slots_[at] = {key, merge};
}

Bpe::Merge Bpe::MergeTable::find(std::int32_t left, std::int32_t right) const {
  const auto key = static_cast<std::uint64_t>(left) << 32 | static_cast<std::uint32_t>(right);
  for (auto at = place(key); slots_[at].key != kFree; at = (at + 1) & (slots_.size() - 1))
    if (slots_[at].key == key) return slots_[at].merge;
  return {};
}

void Bpe::WordTable::reserve(std::size_t count) {
  shift_ = shift_for(count);
  slots_.assign(std::size_t{1} << (64 - shift_), {});
}

Bpe::WordTable::Slot Bpe::WordTable::key_of(std::string_view word) {
  Slot key;
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

void Bpe::WordTable::set(std::string_view word, std::int32_t id) {
  if (word.size() > 16) {
    long_words_.emplace(word, id);
    return;
  }
  Slot key = key_of(word);
  auto at = place(key);
  while (slots_[at].length != 0) at = (at + 1) & (slots_.size() - 1);
  key.id = id;
  slots_[at] = key;
}

std::int32_t Bpe::WordTable::find(std::string_view word) const {
  if (word.size() > 16) {
    if (long_words_.empty()) return -1;
    const auto found = long_words_.find(word);
    return found == long_words_.end() ? -1 : found->second;
  }
  const Slot key = key_of(word);
  for (auto at = place(key); slots_[at].length != 0; at = (at + 1) & (slots_.size() - 1)) {
    const Slot& slot = slots_[at];
    if (slot.low == key.low && slot.high == key.high && slot.length == key.length) return slot.id;
  }
  return -1;
}

}  // namespace pst::tokenizer
