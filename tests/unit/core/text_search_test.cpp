// SPDX-License-Identifier: Apache-2.0
#include "core/text_search.hpp"

#include <gmock/gmock.h>

#include <string>

#include "core/clock.hpp"
#include "core/rng.hpp"

using namespace pst;

namespace {

TEST(TextSearch, AgreesWithTheStandardsOnes) {
  const Rng rng(3);
  for (std::uint64_t round = 0; round < 3000; ++round) {
    const Rng r = rng.child(round);
    std::string text, part;
    for (std::uint64_t i = 0, n = r.below(120, 0); i < n; ++i) text += "ab"[r.below(2, 10 + i)];
    if (r.below(2, 1) == 0 && !text.empty())
      part = text.substr(r.below(text.size(), 2), r.below(60, 3));
    else
      for (std::uint64_t i = 0, n = r.below(40, 4); i < n; ++i) part += "ab"[r.below(2, 500 + i)];
    const std::size_t from = r.below(130, 5);
    ASSERT_EQ(find_text(text, part, from), text.find(part, from)) << text << ' ' << part << ' ' << from;
    ASSERT_EQ(rfind_text(text, part), text.rfind(part)) << text << ' ' << part;
  }
}

TEST(TextSearch, IsLinearInBoth) {
  const std::string text(4'000'000, 'a'), half(2'000'000, 'a');
  const double start_s = thread_cpu_seconds();

  EXPECT_EQ(find_text(text, half + "b"), std::string::npos);
  EXPECT_EQ(find_text(text, std::string(200, 'a') + "b"), std::string::npos);
  EXPECT_EQ(rfind_text(text, "b" + half), std::string::npos);

  EXPECT_LT(thread_cpu_seconds() - start_s, 5);  // the product is hours
}

}  // namespace
