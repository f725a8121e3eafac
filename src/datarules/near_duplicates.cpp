// SPDX-License-Identifier: Apache-2.0
#include "datarules/near_duplicates.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "core/keyed_hash.hpp"
#include "core/rng.hpp"
#include "datarules/canonical_text.hpp"
#include "tokenizer/unicode.hpp"

namespace pst::datarules {
namespace {

constexpr std::size_t kShingle = 5, kShortText = 20;
/// The same in every process, so that a report is: an adversary can at most hide a near repeat.
constexpr std::array<std::uint64_t, 2> kKey = {0x7065667473747564, 0x6e656172646f6373};

std::uint32_t hash_of(std::string_view text) { return static_cast<std::uint32_t>(siphash13(kKey, text)); }

}  // namespace

std::vector<std::uint32_t> shingles_of(std::string_view text) {
  std::vector<std::uint32_t> hashes;
  const auto words = words_of(text);
  if (words.size() >= kShortText) {
    for (std::size_t i = 0; i + kShingle <= words.size(); ++i) {
      const char* const begin = words[i].data();
      hashes.push_back(hash_of({begin, static_cast<std::size_t>(words[i + kShingle - 1].end() - begin)}));
    }
  } else {
    std::vector<std::size_t> starts;
    for (std::size_t at = 0; at < text.size(); at += tokenizer::char_length(text[at])) starts.push_back(at);
    starts.push_back(text.size());
    for (std::size_t i = 0; i + kShingle < starts.size(); ++i)
      hashes.push_back(hash_of(text.substr(starts[i], starts[i + kShingle] - starts[i])));
    if (hashes.empty() && !text.empty()) hashes.push_back(hash_of(text));
  }
  std::sort(hashes.begin(), hashes.end());
  hashes.erase(std::unique(hashes.begin(), hashes.end()), hashes.end());
  return hashes;
}

double jaccard(std::span<const std::uint32_t> a, std::span<const std::uint32_t> b) {
  std::size_t both = 0;
  for (std::size_t i = 0, k = 0; i < a.size() && k < b.size();) {
    if (a[i] == b[k]) {
      ++both;
      ++i;
      ++k;
    } else if (a[i] < b[k]) {
      ++i;
    } else {
      ++k;
    }
  }
  const std::size_t all = a.size() + b.size() - both;
  return all == 0 ? 0 : static_cast<double>(both) / static_cast<double>(all);
}

NearDuplicates::NearDuplicates() {
  const Rng rng(20261201);
  std::uint64_t word = 0;
  const auto wide = [&] {
    const std::uint64_t high = rng.word(word++);
    return high << 32 | rng.word(word++);
  };
  for (std::size_t i = 0; i < kHashes; ++i) {
    factors_.push_back(wide() | 1);
    terms_.push_back(wide());
  }
}

void NearDuplicates::add(std::string_view canonical_text) {
  const auto found = shingles_of(canonical_text);
  shingles_.insert(shingles_.end(), found.begin(), found.end());
  first_.push_back(shingles_.size());
  std::array<std::uint32_t, kHashes> least;
  least.fill(UINT32_MAX);
  for (const std::uint64_t shingle : found)
    for (std::size_t i = 0; i < kHashes; ++i) {
      // Multiply, add, shift: 32 bits of a universal hash. @see Dietzfelbinger et al. 1997
      const auto value = static_cast<std::uint32_t>((shingle * factors_[i] + terms_[i]) >> 32);
      least[i] = std::min(least[i], value);
    }
  for (std::size_t band = 0; band < kBands; ++band)
    bands_.push_back(
        siphash13(kKey, {reinterpret_cast<const char*>(&least[band * kRows]), kRows * sizeof(std::uint32_t)}));
}

std::span<const std::uint32_t> NearDuplicates::shingles(std::uint32_t text) const {
  return std::span(shingles_).subspan(first_[text], first_[text + 1] - first_[text]);
}

std::vector<NearPair> NearDuplicates::pairs(double least) const {
  constexpr std::size_t kMostBefore = 32;  // of a bucket that each is compared with: boilerplate fills large ones
  const std::size_t count = size();
  std::vector<NearPair> best(count);
  std::vector<std::pair<std::uint64_t, std::uint32_t>> keys(count);
  for (std::size_t band = 0; band < kBands; ++band) {
    for (std::size_t i = 0; i < count; ++i) keys[i] = {bands_[i * kBands + band], static_cast<std::uint32_t>(i)};
    std::sort(keys.begin(), keys.end());
    for (std::size_t begin = 0, i = 1; i < count; ++i) {
      if (keys[i].first != keys[begin].first) {
        begin = i;
        continue;
      }
      for (std::size_t k = begin; k < i && k - begin < kMostBefore; ++k) {
        const std::uint32_t earlier = keys[k].second, later = keys[i].second;
        NearPair& pair = best[later];
        if (first_[earlier + 1] == first_[earlier] || (pair.similarity > 0 && pair.earlier == earlier)) continue;
        const double similarity = jaccard(shingles(earlier), shingles(later));
        if (similarity >= least && similarity > pair.similarity) pair = {later, earlier, similarity};
      }
    }
  }
  std::erase_if(best, [](const NearPair& pair) { return pair.similarity == 0; });
  return best;
}

}  // namespace pst::datarules
