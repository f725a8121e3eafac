// SPDX-License-Identifier: Apache-2.0
#include "nn/read_ahead.hpp"

#include <gmock/gmock.h>

#include "core/strings.hpp"

namespace pst::nn {
namespace {

using testing::ElementsAre;

/// What is asked for before each of ten blocks of `bytes`.
std::vector<std::vector<std::string>> asked(std::size_t bytes) {
  FrozenLayout layout;
  for (int i = 0; i < 10; ++i) layout.push_back({.name = cat(i), .matrices = {}});
  std::vector<std::vector<std::string>> all;
  ReadAhead ahead(layout, [&](const FrozenBlock& block) {
    all.back().push_back(block.name);
    return bytes;
  });
  for (std::size_t i = 0; i < layout.size(); ++i) {
    all.emplace_back();
    ahead.before(i);
  }
  return all;
}

TEST(ReadAhead, KeepsAQuarterOfAGigabyteUnderWay) {
  const auto of_100_mib = asked(100 << 20);
  EXPECT_THAT(of_100_mib[0], ElementsAre("0", "1", "2", "3"));
  EXPECT_THAT(of_100_mib[1], ElementsAre("4"));
  EXPECT_THAT(of_100_mib[6], ElementsAre("9"));
  EXPECT_THAT(of_100_mib[7], ElementsAre());
}

TEST(ReadAhead, ABlockAtLeastHoweverLarge) {
  const auto of_a_gib = asked(1 << 30);
  EXPECT_THAT(of_a_gib[0], ElementsAre("0", "1"));
  EXPECT_THAT(of_a_gib[1], ElementsAre("2"));
  EXPECT_THAT(of_a_gib[9], ElementsAre());
}

TEST(ReadAhead, AllAtOnceWhereTheyAreSmall) { EXPECT_EQ(asked(0)[0].size(), 10u); }

}  // namespace
}  // namespace pst::nn
