// SPDX-License-Identifier: Apache-2.0
#include "datarules/token_counts.hpp"

#include <algorithm>

#include "tokenizer/tokenizer.hpp"

namespace pst::datarules {

std::vector<bool> byte_tokens(const tokenizer::Tokenizer& tokenizer) {
  std::vector<bool> are(static_cast<std::size_t>(tokenizer.vocabulary_size()), false);
  constexpr const char* kHex = "0123456789ABCDEF";
  for (int byte = 0; byte < 256; ++byte) {
    const std::string name = std::string("<0x") + kHex[byte / 16] + kHex[byte % 16] + ">";
    if (const auto id = tokenizer.id_of(name)) are[static_cast<std::size_t>(*id)] = true;
  }
  return are;
}

void LengthCounts::add(std::size_t length, Place place) {
  Count& count = counts_[length];
  if (count.count++ == 0) count.first = place;
}

std::vector<Spike> LengthCounts::spikes(double times) const {
  constexpr std::size_t kLimits[] = {64, 100, 128, 200, 250, 256, 500, 512, 1000, 1024, 2000, 2048, 4000, 4096, 8192};
  constexpr std::size_t kBeside = 8;
  constexpr std::int64_t kFewest = 10;
  const auto count_at = [&](std::size_t length) {
    const auto found = counts_.find(length);
    return found == counts_.end() ? 0 : found->second.count;
  };
  std::vector<Spike> spikes;
  for (const std::size_t limit : kLimits)
    for (const std::size_t length : {limit - 1, limit, limit + 1}) {
      const std::int64_t count = count_at(length);
      if (count < kFewest) continue;
      std::int64_t beside = 0;
      for (std::size_t by = 2; by < kBeside + 2; ++by) beside += count_at(length - by) + count_at(length + by);
      const double usual = static_cast<double>(beside) / (2 * kBeside);
      if (static_cast<double>(count) > times * std::max(usual, 1.0))
        spikes.push_back({length, count, usual, counts_.at(length).first});
    }
  return spikes;
}

std::vector<Odd> RatioCounts::odd_ones(double times) const {
  constexpr std::size_t kFewest = 100;
  if (all_.size() < kFewest) return {};
  std::vector<float> sorted;
  sorted.reserve(all_.size());
  for (const One& one : all_) sorted.push_back(one.ratio);
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  const double median = *middle;
  std::vector<Odd> odd;
  for (const One& one : all_)
    if (one.ratio > times * median || one.ratio * times < median) odd.push_back({one.place, one.ratio, median});
  return odd;
}

}  // namespace pst::datarules
