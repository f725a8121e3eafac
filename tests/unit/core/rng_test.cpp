// SPDX-License-Identifier: Apache-2.0
#include "core/rng.hpp"

#include <gmock/gmock.h>

#include <set>
#include <vector>

namespace pst {
namespace {

// Known answers of the Random123 distribution's kat_vectors for philox4x32, 10 rounds.
TEST(Rng, PhiloxMatchesPublishedVectors) {
  EXPECT_THAT(philox4x32({0, 0, 0, 0}, {0, 0}),
              testing::ElementsAre(0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u));
  EXPECT_THAT(philox4x32({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}),
              testing::ElementsAre(0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu));
}

TEST(Rng, ShuffleIsAPermutationAndAFunctionOfTheKey) {
  std::vector<std::uint32_t> a(1000), b(1000), c(1000);
  shuffle(a, Rng(7));
  shuffle(b, Rng(7));
  shuffle(c, Rng(8));

  EXPECT_EQ(a, b);
  EXPECT_NE(a, c);
  EXPECT_EQ(std::set<std::uint32_t>(a.begin(), a.end()).size(), 1000u);
}

TEST(Rng, ChildrenDiffer) {
  const Rng root(1);
  EXPECT_NE(root.child(0).word(0), root.child(1).word(0));
  EXPECT_NE(root.child("dropout").word(0), root.child("init").word(0));
  EXPECT_EQ(root.child("init").word(5), Rng(1).child("init").word(5));
}

TEST(Rng, UniformFillsItsRangeEvenly) {
  double sum = 0;
  for (std::uint64_t i = 0; i < 100000; ++i) {
    const float u = Rng(3).uniform(i);
    ASSERT_GE(u, 0.0f);
    ASSERT_LT(u, 1.0f);
    sum += u;
  }
  EXPECT_NEAR(sum / 100000, 0.5, 0.005);  // five standard deviations of the mean
}

}  // namespace
}  // namespace pst
