// SPDX-License-Identifier: Apache-2.0
#include "monitor/run_view.hpp"

#include <gmock/gmock.h>

#include <cmath>

#include "core/clock.hpp"

namespace pst::monitor {
namespace {

using nlohmann::ordered_json;
using testing::Optional;
using Depth = RunView::Depth;

constexpr double kBegin = 1.8e9;

const ordered_json kStart = ordered_json::parse(
    R"({"t":"2027-01-15T08:00:00.000Z","kind":"start","format":1,"memory_bytes":1000,
        "step_columns":["rank","step_us","data_us","forward_us","backward_us","waiting_us","transfer_us","optimizer_us","checkpoint_us","other_us"]})");

ordered_json step(std::int64_t number, double loss, ordered_json us = ordered_json::array()) {
  return {{"t", iso_time(kBegin + static_cast<double>(number))},
          {"kind", "step"},
          {"step", number},
          {"total_steps", 100},
          {"us", std::move(us)},
          {"loss", loss},
          {"lr", 1e-4},
          {"grad_norm", 0.5},
          {"tokens", 10},
          {"labelled_tokens", 4},
          {"step_s", 2.0},
          {"tokens_per_s", 5.0}};
}

TEST(RunView, OtherNodesRecordsOfAStepAreTheSameStep) {
  RunView view;
  view.begin_attempt(1, kBegin);

  for (const char* node : {"n1", "n2"})
    for (int i = 1; i <= 3; ++i) view.node_record(node, step(i, 1.0), Depth::everything);

  EXPECT_EQ(view.training().computed, 3);
  EXPECT_EQ(view.training().tokens, 30);
  EXPECT_EQ(view.training().labelled_tokens, 12);
  EXPECT_EQ(view.training().total_steps, 100);
  EXPECT_EQ(view.nodes().size(), 2u);
}

TEST(RunView, TotalsOfARelaunchedRunOnlyGrow) {
  RunView view;
  view.begin_attempt(1, kBegin);
  for (int i = 1; i <= 10; ++i) view.node_record("n1", step(i, 1.0), Depth::everything);

  view.begin_attempt(2, kBegin + 20);
  EXPECT_EQ(view.training().tokens, 100);
  for (int i = 6; i <= 12; ++i) view.node_record("n1", step(i, 1.0), Depth::everything);

  EXPECT_EQ(view.training().step, 12);
  EXPECT_EQ(view.training().computed, 17);
  EXPECT_EQ(view.training().repeated, 5);
  EXPECT_EQ(view.training().tokens, 120) << "a step that is computed again trains on nothing new";
}

TEST(RunView, AnOlderAttemptReadAfterwardsAddsUpToTheSame) {
  RunView view;
  view.begin_attempt(1, kBegin);
  for (int i = 1; i <= 10; ++i) view.node_record("n1", step(i, 1.0), Depth::training);
  view.begin_attempt(2, kBegin + 20);
  for (int i = 6; i <= 12; ++i) view.node_record("n1", step(i, 1.0), Depth::everything);

  EXPECT_EQ(view.training().tokens, 120);
  EXPECT_EQ(view.training().repeated, 5);
}

TEST(RunView, LossRatioIsByTheMedianAndInfiniteForWhatIsNoNumber) {
  RunView view;
  view.begin_attempt(1, kBegin);
  for (int i = 1; i <= 10; ++i) view.node_record("n1", step(i, i == 5 ? 50.0 : 2.0), Depth::everything);
  EXPECT_EQ(view.training().loss_ratio, std::nullopt) << "nine losses before are too few";

  view.node_record("n1", step(11, 5.0), Depth::everything);
  EXPECT_THAT(view.training().loss_ratio, Optional(2.5)) << "the spike before is not the median";

  auto broken = step(12, 0);
  broken["loss"] = nullptr;
  view.node_record("n1", broken, Depth::everything);
  EXPECT_TRUE(std::isinf(*view.training().loss_ratio));
  EXPECT_TRUE(std::isnan(*view.training().loss));
}

TEST(RunView, RanksTimesAreByTheColumnsOfTheFile) {
  RunView view;
  view.begin_attempt(1, kBegin);
  view.node_record("n1", kStart, Depth::everything);
  const ordered_json us = {{0, 2'000'000, 100'000, 500'000, 900'000, 300'000, 100'000, 50'000, 0, 50'000}};
  for (int i = 1; i <= 2; ++i) view.node_record("n1", step(i, 1.0, us), Depth::everything);

  const RankView& rank = view.ranks().at({0, "n1"});

  EXPECT_DOUBLE_EQ(rank.step_s, 2);
  EXPECT_DOUBLE_EQ(rank.phase_s.at("backward"), 0.9);
  EXPECT_DOUBLE_EQ(rank.phase_total_s.at("waiting"), 0.6);
  EXPECT_DOUBLE_EQ(rank.work_s.back(), 1.55) << "data, forward, backward and optimizer";
  EXPECT_THAT(view.nodes().at("n1").memory_bytes, Optional(1000.0));
}

TEST(RunView, SamplesRatesAddUpToTotals) {
  RunView view;
  view.begin_attempt(1, kBegin);
  view.sample(
      "n1",
      ordered_json::parse(
          R"({"t":"2027-01-15T08:00:00.000Z","kind":"start","sample_columns":{"ranks":["rank","cpu_cores","resident_bytes","read_bytes_per_s"],
          "gpus":["gpu","busy_percent","power_w","temperature_c"]}})"));
  for (int i = 0; i < 2; ++i)
    view.sample("n1", ordered_json::parse(
                          R"({"kind":"sample","seconds":10,"cpu_busy":0.5,"available_bytes":700,"network":[100,null],
            "ranks":[[3,1.5,4096,null]],"gpus":[[0,90,300,70]]})"));

  const NodeView& node = view.nodes().at("n1");
  EXPECT_THAT(node.received_bytes, Optional(2000.0));
  EXPECT_EQ(node.sent_bytes, std::nullopt) << "null is unknown, not 0";
  EXPECT_THAT(node.gpus.at(0).energy_j, Optional(6000.0));
  const RankView& rank = view.ranks().at({3, "n1"});
  EXPECT_THAT(rank.cpu_s, Optional(30.0));
  EXPECT_THAT(rank.resident_bytes, Optional(4096.0));
  EXPECT_EQ(rank.read_bytes, std::nullopt);
}

TEST(RunView, FaultsCheckpointsAndLostLinesAreCounted) {
  RunView view;
  for (const char* kind : {"started", "rank-lost", "rank-lost", "node-lost"}) view.event({{"event", kind}});
  view.event({{"event", "attempt-ended"}, {"end", "failed"}});
  view.event({{"event", "attempt-ended"}, {"end", "completed"}});
  view.event({{"t", "2027-01-15T08:00:00.000Z"}, {"event", "checkpoint"}, {"step", 7}, {"stall_s", 0.5}});
  view.node_record("n1", {{"kind", "lost"}, {"lines", 3}}, Depth::everything);
  view.node_record("n1", {{"kind", "eval"}, {"loss", 1.5}, {"lost_lines", 2}}, Depth::everything);
  view.node_record("n1", {{"kind", "end"}, {"lost_lines", 5}}, Depth::everything);  // the sum of those

  EXPECT_EQ(view.faults().at("rank-lost"), 2);
  EXPECT_EQ(view.faults().at("attempt-failed"), 1);
  EXPECT_EQ(view.faults().count("started"), 0u);
  EXPECT_EQ(view.checkpoint()->step, 7);
  EXPECT_DOUBLE_EQ(view.checkpoint()->committed, 1'800'000'000);
  EXPECT_EQ(view.nodes().at("n1").lost_lines, 5);
  EXPECT_THAT(view.training().validation_loss, Optional(1.5));
}

TEST(RunView, TakesWhateverStandsInAFile) {
  RunView view;
  const char* const lines[] = {R"({})",
                               R"({"kind":5})",
                               R"({"kind":"step"})",
                               R"({"kind":"step","step":"x","us":{}})",
                               R"({"kind":"step","step":9000000000000,"us":[[-1,2],["a"],null,7]})",
                               R"({"kind":"start","step_columns":[1,null,"rank"],"sample_columns":[]})",
                               R"({"kind":"sample","seconds":-5,"network":{},"ranks":[[1e9]],"gpus":[[null]]})",
                               R"({"kind":"sample","seconds":1e300,"network":["a",1],"ranks":7,"gpus":"x"})"};
  for (const char* line : lines) {
    SCOPED_TRACE(line);
    const auto record = ordered_json::parse(line);
    EXPECT_NO_THROW(view.event(record));
    EXPECT_NO_THROW(view.node_record("n", record, Depth::everything));
    EXPECT_NO_THROW(view.sample("n", record));
  }
}

}  // namespace
}  // namespace pst::monitor
