// SPDX-License-Identifier: Apache-2.0
#include "report/scaling.hpp"

#include <gmock/gmock.h>

#include <memory>
#include <optional>

#include "core/error.hpp"
#include "made_run.hpp"

namespace pst::report {
namespace {

using fixture::kEpoch;
using fixture::MadeRun;
using nlohmann::ordered_json;
using testing::HasSubstr;

/// A run in which a step takes `step_us` on every one of `ranks`.
struct Point {
  std::unique_ptr<MadeRun> made = std::make_unique<MadeRun>();
  Compared compared;
  std::vector<Attempt> attempts;
};
Point point(int ranks, std::int64_t step_us, const std::string& batch = "16", const std::string& rank = "8") {
  Point p;
  std::vector<int> numbers;
  for (int r = 0; r < ranks; ++r) numbers.push_back(r);
  p.made->attempt(1, {{"n1", numbers}}, 1, 40, kEpoch);
  p.attempts = read_metrics(p.made->run());
  for (auto& step : p.attempts[0].steps) {
    step.step_us = step_us;
    step.tokens = 1000;
  }
  p.compared = {.name = cat("on ", ranks),
                .report = summarise(p.made->run(), p.attempts, {}),
                .keys = {{"train.global_batch_size", batch}, {"adapter.r", rank}}};
  p.compared.alter = p.compared.keys;
  return p;
}

ordered_json scale(std::vector<Point>& points, ScalingKind kind = ScalingKind::automatic, bool mixed = false) {
  std::vector<Compared> runs;
  std::vector<std::vector<Attempt>> metrics;
  for (auto& p : points) {
    runs.push_back(p.compared);
    metrics.push_back(p.attempts);
  }
  return scaling_of(runs, metrics, kind, mixed);
}

std::vector<Point> list(Point a, Point b, std::optional<Point> c = {}) {
  std::vector<Point> all;
  all.push_back(std::move(a));
  all.push_back(std::move(b));
  if (c) all.push_back(std::move(*c));
  return all;
}

TEST(Scaling, SpeedUpAndEfficiencyAgainstTheSmallest) {
  auto points = list(point(4, 100'000), point(1, 250'000), point(2, 125'000));

  const auto s = scale(points);

  EXPECT_EQ(s["kind"], "strong");
  ASSERT_EQ(s["points"].size(), 3u);
  EXPECT_EQ(s["points"][0]["ranks"], 1);
  EXPECT_NEAR(s["points"][0]["tokens_per_s"].get<double>(), 4000, 1e-6);
  EXPECT_NEAR(s["points"][1]["efficiency"].get<double>(), 1.0, 1e-9);
  EXPECT_NEAR(s["points"][2]["speed_up"].get<double>(), 2.5, 1e-9);
  EXPECT_NEAR(s["points"][2]["efficiency"].get<double>(), 0.625, 1e-9);
  EXPECT_THAT(s["words"][0].get<std::string>(), HasSubstr("stop paying at 2"));
  EXPECT_THAT(scaling_markdown(s), HasSubstr("| 2.50 | 62.5 % |"));
}

TEST(Scaling, TheSamePerRankIsWeak) {
  auto points = list(point(1, 250'000, "8"), point(2, 260'000, "16"));
  EXPECT_EQ(scale(points)["kind"], "weak");
}

TEST(Scaling, RefusesDifferentWorkUnlessTold) {
  auto points = list(point(1, 250'000, "16", "8"), point(2, 125'000, "16", "64"));
  EXPECT_THROW(scale(points), Error);
  try {
    scale(points);
  } catch (const Error& error) {
    EXPECT_THAT(error.message(), HasSubstr("adapter.r"));
    EXPECT_THAT(error.remedy(), HasSubstr("--mixed"));
  }
  EXPECT_EQ(scale(points, ScalingKind::automatic, true)["points"].size(), 2u);
}

TEST(Scaling, RefusesASeriesOfOneSize) {
  auto points = list(point(2, 250'000), point(2, 125'000));
  EXPECT_THROW(scale(points), Error);
}

}  // namespace
}  // namespace pst::report
