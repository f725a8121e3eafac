// SPDX-License-Identifier: Apache-2.0
#include "report/parse_step_line.hpp"

#include <gmock/gmock.h>

#include "made_run.hpp"
#include "report/histogram.hpp"
#include "report/metrics.hpp"

namespace pst::report {
namespace {

using fixture::MadeRun;

TEST(StepText, ReadsWhatJsonReads) {
  const std::string line = MadeRun::line(7, fixture::kEpoch, 1, {.host = "n1", .ranks = {4, 5}});

  const auto text = StepText::of(line);

  ASSERT_TRUE(text);
  std::vector<RankTimes> ranks;
  ASSERT_TRUE(text->ranks(ranks));
  const auto json = nlohmann::json::parse(line);
  EXPECT_EQ(text->step(), json["step"]);
  EXPECT_EQ(text->time(), json["t"]);
  ASSERT_EQ(ranks.size(), json["us"].size());
  for (std::size_t r = 0; r < ranks.size(); ++r) {
    EXPECT_EQ(ranks[r].rank, json["us"][r][0]);
    EXPECT_EQ(ranks[r].times.step_us, json["us"][r][1]);
    for (std::size_t p = 0; p < telemetry::kStepPhases; ++p)
      EXPECT_EQ(ranks[r].times.phase_us[p], json["us"][r][p + 2]);
  }
}

TEST(StepText, EveryCutOfALineIsRefused) {
  const std::string line = MadeRun::line(7, fixture::kEpoch, 1, {.host = "n1", .ranks = {0}});
  std::vector<RankTimes> ranks;
  for (std::size_t length = 0; length < line.size(); ++length) {
    const auto text = StepText::of(std::string_view(line).substr(0, length));
    EXPECT_FALSE(text && text->ranks(ranks)) << length;
  }
}

TEST(Histogram, QuantilesAreWithinAPercent) {
  Histogram histogram;
  for (int us = 1; us <= 100000; ++us) histogram.add(us);
  for (const double share : {0.01, 0.5, 0.99}) EXPECT_NEAR(histogram.quantile(share) / (1e5 * share), 1.0, 0.0105);
  EXPECT_EQ(Histogram().quantile(0.5), 0);
}

TEST(UnixOf, ReadsItsOwnTimesOnly) {
  EXPECT_NEAR(*unix_of("2026-11-23T01:37:33.123Z"), 1795397853.123, 1e-3);
  EXPECT_NEAR(*unix_of(iso_time(fixture::kEpoch + 0.5)), fixture::kEpoch + 0.5, 1e-3);
  for (const char* text :
       {"", "2026-11-23", "2026-13-23T01:37:33.123Z", "2026-11-23T01:37:xx.123Z", "yesterday, at about noon"})
    EXPECT_FALSE(unix_of(text)) << text;
}

}  // namespace
}  // namespace pst::report
