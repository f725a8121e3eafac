// SPDX-License-Identifier: Apache-2.0
#include "datarules/near_duplicates.hpp"

#include <gmock/gmock.h>

#include <set>

#include "core/rng.hpp"
#include "datarules/canonical_text.hpp"

namespace pst::datarules {
namespace {

/// Texts of 60 words, of which every other is its neighbour with some words changed.
std::vector<std::string> texts_with_neighbours(int count) {
  const Rng rng(7);
  std::uint64_t word = 0;
  std::vector<std::string> texts;
  for (int i = 0; i < count; ++i) {
    std::vector<std::uint32_t> words;
    for (int k = 0; k < 60; ++k) words.push_back(rng.word(word++) % 5000);
    for (int changed = 0; changed < 2; ++changed) {
      std::string text;
      for (std::size_t k = 0; k < words.size(); ++k)
        text += " w" + std::to_string(changed == 1 && k < static_cast<std::size_t>(i % 10) ? 9000 + k : words[k]);
      texts.push_back(text.substr(1));
    }
  }
  return texts;
}

TEST(NearDuplicates, FindWhatComparingAllWithAllFinds) {
  constexpr double kLeast = 0.8;
  const auto texts = texts_with_neighbours(200);
  NearDuplicates near;
  for (const auto& text : texts) near.add(text);
  std::set<std::pair<std::uint32_t, std::uint32_t>> all, found;
  for (std::uint32_t i = 0; i < texts.size(); ++i)
    for (std::uint32_t k = 0; k < i; ++k)
      if (jaccard(shingles_of(texts[k]), shingles_of(texts[i])) >= kLeast) all.emplace(i, k);

  for (const NearPair& pair : near.pairs(kLeast)) found.emplace(pair.later, pair.earlier);

  EXPECT_GT(all.size(), 100u);
  EXPECT_LT(all.size(), 200u) << "some neighbours are too far";
  for (const auto& pair : found) EXPECT_TRUE(all.contains(pair)) << pair.first;
  EXPECT_GE(static_cast<double>(found.size()), 0.99 * static_cast<double>(all.size()));
}

TEST(Canonical, LeavesLettersAndDigits) {
  EXPECT_EQ(canonical("  Caf\u00c9, \u201cna\u00efve\u201d\tSTRASSE\n12.5 % "), "cafe naive strasse 12 5");
  EXPECT_EQ(canonical("\u041c\u043e\u0441\u043a\u0432\u0430!"), "\u043c\u043e\u0441\u043a\u0432\u0430");
  EXPECT_EQ(canonical("\u4e2d\u6587\u3002"), "\u4e2d\u6587");
}

}  // namespace
}  // namespace pst::datarules
