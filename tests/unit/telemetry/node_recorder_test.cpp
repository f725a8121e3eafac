// SPDX-License-Identifier: Apache-2.0
#include "telemetry/node_recorder.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include "core/clock.hpp"
#include "support/temporary_directory.hpp"
#include "telemetry/line_tail.hpp"

namespace pst::telemetry {
namespace {

RankStep times(std::int64_t us) {
  RankStep step{.step_us = 8 * us};
  step.phase_us.fill(us);
  return step;
}

NodeRecorder::Setup setup(const fixture::TemporaryDirectory& dir, const PhaseBoard* board, int ranks) {
  return {.steps_file = dir / "n1.jsonl",
          .samples_folder = dir / "samples",
          .host = "n1",
          .header = {{"attempt", 2}},
          .board = board,
          .ranks_here = ranks,
          .sample_s = 0};
}

TEST(NodeRecorder, WritesAHeaderAndEveryStepWithTheTimesOfAllRanks) {
  const fixture::TemporaryDirectory dir;
  std::string problem;
  auto board = PhaseBoard::create(2, problem);
  ASSERT_TRUE(board) << problem;
  board->introduce(0, 0, ::getpid());
  board->introduce(1, 1, ::getpid());

  {
    NodeRecorder recorder(setup(dir, &*board, 2));
    board->put(1, 1, times(5));
    recorder.step({.step = 1, .total_steps = 2, .ended = 1e9, .loss = 2.5, .tokens = 100}, times(3));
    recorder.step({.step = 2, .total_steps = 2, .ended = 1e9 + 1}, times(4));
    board->put(1, 2, times(6));  // the other rank is a little later
    recorder.flush();
    EXPECT_GT(recorder.cpu_seconds(), 0);
  }

  const auto lines = read_lines(dir / "n1.jsonl");
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0]["format"], kMetricsFormat);
  EXPECT_EQ(lines[0]["attempt"], 2);
  EXPECT_EQ(lines[0]["step_columns"].size(), lines[1]["us"][0].size());
  EXPECT_EQ(lines[1]["t"], "2001-09-09T01:46:40.000Z");
  EXPECT_EQ(lines[1]["us"][0][1], 24);
  EXPECT_EQ(lines[1]["us"][1][0], 1);
  EXPECT_EQ(lines[1]["us"][1][2], 5);
  EXPECT_EQ(lines[2]["us"][1][2], 6);
  EXPECT_FALSE(lines[1].contains("skipped"));
}

TEST(NodeRecorder, ARankThatNeverArrivesIsLeftOutAndHoldsNothingUp) {
  const fixture::TemporaryDirectory dir;
  std::string problem;
  auto board = PhaseBoard::create(2, problem);
  ASSERT_TRUE(board) << problem;
  board->introduce(0, 0, ::getpid());
  const double began = monotonic_seconds();

  {
    NodeRecorder recorder(setup(dir, &*board, 2));
    recorder.step({.step = 1}, times(3));
    EXPECT_LT(monotonic_seconds() - began, 0.5) << "handing over is not writing";
  }

  const auto lines = read_lines(dir / "n1.jsonl");
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[1]["us"].size(), 1u);
}

TEST(NodeRecorder, SamplesItsOwnProcessAndCostsLittle) {
  const fixture::TemporaryDirectory dir;
  std::string problem;
  auto board = PhaseBoard::create(1, problem);
  ASSERT_TRUE(board) << problem;
  board->introduce(0, 0, ::getpid());
  auto with_samples = setup(dir, &*board, 1);
  with_samples.sample_s = 0.02;

  {
    NodeRecorder recorder(with_samples);
    ::usleep(200000);
  }

  const auto samples = read_lines(dir / "samples/n1.recent.jsonl");
  ASSERT_GT(samples.size(), 3u);
  EXPECT_EQ(samples[0]["sample_columns"]["ranks"][0], "rank");
  ASSERT_EQ(samples[2]["ranks"].size(), 1u);
  EXPECT_GT(samples[2]["ranks"][0][2], 1 << 20) << "resident bytes of this test";
  EXPECT_GT(samples[2]["available_bytes"], 0);
}

}  // namespace
}  // namespace pst::telemetry
