// SPDX-License-Identifier: Apache-2.0
#include "monitor/rule_engine.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "core/strings.hpp"

namespace pst::monitor {
namespace {

using recipe::AlertRule;
using recipe::Direction;
using testing::IsEmpty;
using testing::SizeIs;

AlertRule rule(Direction direction, double threshold, double for_s, const char* metric = "gpu_temperature_celsius") {
  return {.name = "r", .metric = metric, .direction = direction, .threshold = threshold, .for_s = for_s};
}

/// The rule's metric with one value for each of the nodes n0, n1 ...
std::vector<Family> told(const std::vector<double>& values, const char* metric = "gpu_temperature_celsius") {
  Family family{telemetry::find_live_metric(metric), {}};
  for (std::size_t i = 0; i < values.size(); ++i) family.samples.push_back({{{"node", cat("n", i)}}, values[i]});
  return {family};
}

TEST(RuleEngine, FiresOnceAndIsResolvedOnce) {
  RuleEngine engine({rule(Direction::above, 85, 0)}, {});

  EXPECT_THAT(engine.judge(told({85}), 0), IsEmpty()) << "85 is not above 85";
  const auto fired = engine.judge(told({86}), 1);
  ASSERT_THAT(fired, SizeIs(1));
  EXPECT_EQ(fired[0].kind, Turn::Kind::fired);
  EXPECT_EQ(fired[0].value, 86);
  EXPECT_TRUE(engine.alerts()[0].is_firing);
  for (double t = 2; t < 100; ++t) EXPECT_THAT(engine.judge(told({90}), t), IsEmpty());

  EXPECT_THAT(engine.judge(told({80}), 100), IsEmpty()) << "one good value is no end";
  const auto resolved = engine.judge(told({80}), 99 + RuleEngine::kClear_s);
  ASSERT_THAT(resolved, SizeIs(1));
  EXPECT_EQ(resolved[0].kind, Turn::Kind::resolved);
  EXPECT_FALSE(engine.alerts()[0].is_firing);
  EXPECT_THAT(engine.judge(told({80}), 1000), IsEmpty());
}

TEST(RuleEngine, AValueThatSwingsAroundTheThresholdIsOneAlert) {
  RuleEngine engine({rule(Direction::above, 85, 0)}, {});
  std::size_t turns = 0;

  for (double t = 0; t < 600; t += 2) turns += engine.judge(told({std::fmod(t, 4) == 0 ? 90.0 : 80.0}), t).size();

  EXPECT_EQ(turns, 1u);
}

TEST(RuleEngine, ForMeansWithoutABreakAndOfOneSeries) {
  RuleEngine engine({rule(Direction::above, 85, 60)}, {});

  for (double t = 0; t < 300; t += 2)  // each node is hot for 30 s at a time, always one of them is
    EXPECT_THAT(engine.judge(told({std::fmod(t, 60) < 30 ? 90.0 : 80.0, std::fmod(t, 60) < 30 ? 80.0 : 90.0}), t),
                IsEmpty());

  EXPECT_THAT(engine.judge(told({80, 90}), 300), IsEmpty());
  for (double t = 302; t < 330; t += 2) EXPECT_THAT(engine.judge(told({80, 90}), t), IsEmpty()) << t;
  const auto fired = engine.judge(told({80, 91}), 330);  // hot since 270
  ASSERT_THAT(fired, SizeIs(1));
  EXPECT_EQ(place_of(fired[0].labels), "node n1");
}

TEST(RuleEngine, NamesTheSeriesFarthestBeyondAndCountsTheRest) {
  RuleEngine engine({rule(Direction::below, 10, 0)}, {});

  const auto fired = engine.judge(told({5, 2, 11, 7}), 0);

  ASSERT_THAT(fired, SizeIs(1));
  EXPECT_EQ(place_of(fired[0].labels), "node n1");
  EXPECT_EQ(fired[0].value, 2);
  EXPECT_EQ(fired[0].series, 3u);
}

TEST(RuleEngine, WhatIsNotThereOrNoNumberIsNotBeyond) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), infinite = std::numeric_limits<double>::infinity();
  RuleEngine above({rule(Direction::above, 2, 0, "loss_ratio")}, {}), below({rule(Direction::below, 2, 0)}, {});

  EXPECT_THAT(above.judge({}, 0), IsEmpty());
  EXPECT_THAT(above.judge(told({nan}, "loss_ratio"), 1), IsEmpty());
  EXPECT_THAT(above.judge(told({5}), 2), IsEmpty()) << "another metric";
  EXPECT_THAT(below.judge(told({nan}), 1), IsEmpty());
  EXPECT_THAT(above.judge(told({infinite}, "loss_ratio"), 3), SizeIs(1));
}

TEST(RuleEngine, AnAlertOfTheProcessBeforeIsNotToldAgainButIsResolved) {
  RuleEngine engine({rule(Direction::above, 85, 0)}, {"r"});

  EXPECT_THAT(engine.judge(told({90}), 50), IsEmpty());
  EXPECT_THAT(engine.judge({}, 55), IsEmpty());
  EXPECT_THAT(engine.judge({}, 61), SizeIs(1));
}

TEST(RuleEngine, ARuleThatFiresAllTheTimeFallsSilentForAnHour) {
  RuleEngine engine({rule(Direction::above, 85, 0)}, {});
  std::size_t fired = 0, resolved = 0, last_words = 0;

  double t = 0;
  for (; t < 3000; t += 20)
    for (const auto& turn : engine.judge(told({std::fmod(t, 40) == 0 ? 90.0 : 80.0}), t)) {
      ++(turn.kind == Turn::Kind::fired ? fired : resolved);
      last_words += turn.last_words;
    }

  EXPECT_EQ(fired, RuleEngine::kFirings);
  EXPECT_EQ(resolved, RuleEngine::kFirings);
  EXPECT_EQ(last_words, 1u);
  EXPECT_THAT(engine.judge(told({80}), 8000), IsEmpty());
  EXPECT_THAT(engine.judge(told({90}), 8010), SizeIs(1)) << "the hour is over";
}

TEST(RuleEngine, KeepsTheTimesOfSoManySeriesAndNoMore) {
  RuleEngine engine({rule(Direction::above, 0, 10)}, {});
  const std::vector<double> many(10 * RuleEngine::kSeries, 1.0);

  engine.judge(told(many), 0);
  const auto fired = engine.judge(told(many), 10);

  ASSERT_THAT(fired, SizeIs(1));
  EXPECT_EQ(fired[0].series, RuleEngine::kSeries);
}

}  // namespace
}  // namespace pst::monitor
