// SPDX-License-Identifier: Apache-2.0
// What numpy 2 gave, recorded: numpy.random.default_rng(seed), then choice() and shuffle().
#include "peft/numpy_random.hpp"

#include <gmock/gmock.h>

#include <numeric>

namespace pst::peft {
namespace {

using ::testing::ElementsAre;

std::vector<std::int64_t> counted(std::size_t size) {
  std::vector<std::int64_t> values(size);
  std::iota(values.begin(), values.end(), 0);
  return values;
}

TEST(NumpyRandom, ChoosesAndShufflesAsNumpyDoes) {
  NumpyRandom numbers(42);
  EXPECT_THAT(numbers.choose(10, 4), ElementsAre(4, 0, 5, 6));
  auto values = counted(8);
  numbers.shuffle(values);
  EXPECT_THAT(values, ElementsAre(0, 2, 7, 1, 4, 5, 3, 6));
}

/// A seed of more than 32 bits, and the way that numpy takes where much is chosen of much.
TEST(NumpyRandom, ChoosesManyAsNumpyDoes) {
  NumpyRandom numbers((std::uint64_t{1} << 40) + 7);
  const auto chosen = numbers.choose(20000, 5000);
  EXPECT_THAT(std::vector(chosen.begin(), chosen.begin() + 5), ElementsAre(7318, 17442, 952, 19640, 16126));
  EXPECT_THAT(std::vector(chosen.end() - 3, chosen.end()), ElementsAre(12188, 16595, 4130));
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < chosen.size(); ++i) sum += chosen[i] * static_cast<std::int64_t>(i);
  EXPECT_EQ(sum, 125402703401);
  auto values = counted(100000);
  numbers.shuffle(values);
  EXPECT_THAT(std::vector(values.begin(), values.begin() + 4), ElementsAre(47452, 26981, 13356, 24723));
  sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i) sum += values[i] * static_cast<std::int64_t>(i) % 1000003;
  EXPECT_EQ(sum, 50188445395);
}

}  // namespace
}  // namespace pst::peft
