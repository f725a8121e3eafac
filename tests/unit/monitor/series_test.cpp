// SPDX-License-Identifier: Apache-2.0
#include "monitor/series.hpp"

#include <gmock/gmock.h>

#include <string_view>

#include <regex>
#include <set>

#include "core/clock.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "source_tree.hpp"

namespace pst::monitor {
namespace {

using nlohmann::ordered_json;
using testing::HasSubstr;
using Depth = RunView::Depth;

constexpr double kBegin = 1.8e9;

/// Two ranks on two nodes after 12 steps, the second one slower.
RunView two_ranks() {
  RunView view;
  view.name = "x";
  view.state.state = rundir::State::running;
  view.begin_attempt(1, kBegin);
  for (int i = 1; i <= 12; ++i)
    for (int rank = 0; rank < 2; ++rank) {
      const std::string node = cat("n", rank + 1);
      if (i == 1)
        view.node_record(node, {{"kind", "start"}, {"step_columns", {"rank", "step_us", "forward_us", "waiting_us"}}},
                         Depth::everything);
      ordered_json us = ordered_json::array();
      us.push_back(rank == 0 ? ordered_json{0, 2'000'000, 1'000'000, 1'000'000}
                             : ordered_json{1, 2'500'000, 2'000'000, 0});
      view.node_record(node,
                       {{"t", iso_time(kBegin + i)},
                        {"kind", "step"},
                        {"step", i},
                        {"total_steps", 20},
                        {"us", us},
                        {"loss", 2.0},
                        {"tokens", 10},
                        {"step_s", 2.0}},
                       Depth::everything);
    }
  return view;
}

std::optional<double> value(const std::vector<Family>& families, std::string_view name, const std::string& place = "") {
  for (const auto& family : families)
    for (const auto& sample : family.samples)
      if (name == family.metric->name && place_of(sample.labels) == place) return sample.value;
  return std::nullopt;
}

TEST(Series, TellWhatTheViewKnows) {
  const auto series = series_of(two_ranks(), {{"finished", "info", false}}, kBegin + 42);

  EXPECT_EQ(value(series, "step"), 12);
  EXPECT_EQ(value(series, "tokens_total"), 120);
  EXPECT_EQ(value(series, "remaining_seconds"), 16);
  EXPECT_EQ(value(series, "step_seconds"), 2.5) << "of the slowest rank";
  EXPECT_EQ(value(series, "last_step_age_seconds"), 30);
  EXPECT_EQ(value(series, "phase_seconds_total", "rank 0, node n1, phase waiting"), 12);
  EXPECT_NEAR(value(series, "rank_work_ratio", "rank 1, node n2").value_or(0), 4.0 / 3, 1e-12);
  EXPECT_EQ(value(series, "state", "state running"), 1);
  EXPECT_EQ(value(series, "faults_total", "kind node-lost"), 0)
      << "a kind that has not happened is 0, so that a rise is seen";
  EXPECT_EQ(value(series, "alert_active", "alert finished, severity info"), 0);
  EXPECT_EQ(value(series, "gpu_busy_ratio", "node n1, gpu 0"), std::nullopt);
}

TEST(Series, OfARunThatDoesNotRunHaveNoAge) {
  RunView view = two_ranks();
  view.state.state = rundir::State::completed;

  const auto series = series_of(view, {}, kBegin + 10'000);

  EXPECT_EQ(value(series, "last_step_age_seconds"), std::nullopt) << "else a finished run would make no progress";
  EXPECT_EQ(value(series, "finished"), 1);
}

TEST(Series, OfARunThatIsAskedToRestHaveNoAge) {
  for (bool rundir::RunState::*request : {&rundir::RunState::cancel_requested, &rundir::RunState::pause_requested}) {
    RunView view = two_ranks();
    view.state.*request = true;

    EXPECT_EQ(value(series_of(view, {}, kBegin + 42), "last_step_age_seconds"), std::nullopt)
        << "its last checkpoint and its end take a while, and no step is wanted";
  }
}

TEST(Series, AnAttemptThatNeverStepsAges) {
  RunView view;
  view.state.state = rundir::State::running;
  view.begin_attempt(1, kBegin);

  EXPECT_EQ(value(series_of(view, {}, kBegin + 700), "last_step_age_seconds"), 700);
}

TEST(Series, ARankThatIsGoneKeepsItsTotalsOnly) {
  RunView view = two_ranks();
  view.begin_attempt(2, kBegin + 100);
  view.node_record("n1", {{"kind", "step"}, {"step", 13}, {"us", {{0, 1, 1, 0}}}}, Depth::everything);

  const auto series = series_of(view, {}, kBegin + 101);

  EXPECT_TRUE(value(series, "phase_seconds_total", "rank 1, node n2, phase forward").has_value());
  EXPECT_TRUE(value(series, "rank_step_seconds", "rank 0, node n1").has_value());
  EXPECT_EQ(value(series, "rank_step_seconds", "rank 1, node n2"), std::nullopt);
  EXPECT_EQ(value(series, "rank_work_ratio", "rank 0, node n1"), std::nullopt) << "alone, nobody waits";
}

TEST(LiveMetrics, FollowPrometheusConventions) {
  const std::regex name("[a-z][a-z0-9_]*");
  std::set<std::string> seen;
  for (const auto& metric : telemetry::live_metrics()) {
    SCOPED_TRACE(metric.name);
    EXPECT_TRUE(std::regex_match(metric.name, name));
    EXPECT_EQ(metric.type == telemetry::MetricType::counter, std::string_view(metric.name).ends_with("_total"));
    EXPECT_TRUE(seen.insert(metric.name).second) << "twice";
    const std::string help = metric.help;
    EXPECT_TRUE(!help.empty() && help.back() == '.');
    for (const char* unit : {"_ms", "_us", "_kib", "_mb", "_percent", "_minutes"})
      EXPECT_FALSE(std::string_view(metric.name).ends_with(unit)) << "base units: seconds, bytes, ratios";
  }
  EXPECT_NE(telemetry::find_live_metric("peft_studio_loss"), nullptr);
  EXPECT_EQ(telemetry::find_live_metric("peft_studio_"), nullptr);
}

TEST(LiveMetrics, TableOfTheDocumentationIsUpToDate) {
  const fs::path page = fs::path(PST_SOURCE_DIR) / "docs/monitoring.md";
  const std::string begin =
      "<!-- Written from src/telemetry/live_metrics.cpp by `PST_UPDATE_DOCS=1 monitor_test`. -->\n";
  const std::string end = "<!-- The end of what is written. -->\n";
  std::string text = read_file(page);
  const auto from = text.find(begin), to = text.find(end);
  ASSERT_TRUE(from != std::string::npos && to != std::string::npos);
  const std::string wanted =
      text.substr(0, from) + begin + "\n" + telemetry::live_metrics_markdown() + "\n" + text.substr(to);
  if (std::getenv("PST_UPDATE_DOCS") != nullptr) write_durably(page, text = wanted);

  EXPECT_EQ(text, wanted) << "run PST_UPDATE_DOCS=1 monitor_test --gtest_filter='LiveMetrics.*'";
}

}  // namespace
}  // namespace pst::monitor
