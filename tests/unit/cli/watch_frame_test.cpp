// SPDX-License-Identifier: Apache-2.0
#include "cli/observe/watch_frame.hpp"

#include <gmock/gmock.h>

#include "core/strings.hpp"

namespace pst::cli {
namespace {

using rundir::State;
using testing::Each;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

WatchView example() {
  WatchView view{.run = "runs/support-lora-7f3a",
                 .live = {.run = {.state = State::running, .job_id = "12", .attempt = 2}},
                 .progress = runs::Progress{.step = 120,
                                            .total_steps = 600,
                                            .loss = 1.2345,
                                            .lr = 3.1e-4,
                                            .tokens_per_s = 812,
                                            .seconds_left = 72,
                                            .validation_loss = 1.3},
                 .nodes = {{"n1", 1.2}, {"n2", 0.4}},
                 .events = {}};
  for (int i = 1; i <= 120; ++i) view.losses.add(i, 3.0 - 0.01 * i);
  for (int i = 0; i < 30; ++i)
    view.events.push_back(
        {{"t", cat("2026-01-31T12:00:", i < 10 ? "0" : "", i, ".000Z")}, {"event", "checkpoint"}, {"step", i}});
  return view;
}

TEST(Frame, ShowsEverythingIn80Columns) {
  const auto lines = frame(example(), 80, 24, console::Marks::ascii);

  EXPECT_THAT(lines, SizeIs(24));
  EXPECT_EQ(lines[0], "runs/support-lora-7f3a   running   attempt 2   job 12");
  EXPECT_EQ(lines[1], "step 120/600  [########................................]  20 %  1 min 12 s left");
  EXPECT_EQ(lines[2], "loss 1.234  validation 1.300  lr 3.1e-04  812 tokens/s");
  EXPECT_THAT(lines[3], testing::StartsWith("loss ###"));
  EXPECT_THAT(lines[3], testing::EndsWith("2.990 -> 1.800"));
  EXPECT_EQ(lines[4], "heard  n1 1 s ago   n2 0 s ago");
  EXPECT_EQ(lines[22], "12:00:29 checkpoint step=29") << "the newest";
  EXPECT_EQ(lines[23], "q quits, the run goes on");
}

TEST(Frame, ShowsAlertsBelowTheHead) {
  WatchView view = example();
  view.live.run.alerts = {{"disk-low", "warning", "[warning] disk-low: 1 GB\x1b[31m"}};

  EXPECT_THAT(frame(view, 80, 24, console::Marks::ascii)[1], testing::StartsWith("alert  [warning] disk-low: 1 GB"));
  EXPECT_EQ(find_control(frame(view, 80, 24, console::Marks::ascii)[1]), std::nullopt);
}

TEST(Frame, FitsAnyTerminal) {
  for (const std::size_t width : {1, 5, 20, 79, 200})
    for (const std::size_t height : {1, 2, 6, 8, 50}) {
      const auto lines = frame(example(), width, height, console::Marks::blocks);
      EXPECT_LE(lines.size(), height);
      for (const auto& line : lines) EXPECT_LE(console::columns(line), width) << line;
    }
}

TEST(Frame, SaysWhyAWaitingJobWaits) {
  WatchView view{.run = "r",
                 .live = {.run = {.state = State::pending, .reason = "Resources", .job_id = "7", .chain = {"7", "8"}}}};
  const auto lines = frame(view, 80, 24, console::Marks::ascii);
  EXPECT_EQ(lines[0], "r   pending   job 7 of a chain of 2");
  EXPECT_EQ(lines[1], "Resources");
}

TEST(AnEventLine, IsOneLine) {
  EXPECT_EQ(event_line({{"t", "2026-01-31T12:00:01.000Z"}, {"event", "started"}, {"attempt", 1}, {"hosts", "n[1-2]"}}),
            "12:00:01 started attempt=1 hosts=n[1-2]");
  EXPECT_EQ(event_line({{"t", "2026-01-31T12:00:01.000Z"},
                        {"event", "checkpoint"},
                        {"step", 50},
                        {"stall_s", 0.00017094999930122867},
                        {"loss", 1.23456}}),
            "12:00:01 checkpoint step=50 stall_s=171 us loss=1.23");
}

TEST(Frame, HasNoControlCharacterWhateverTheRunHolds) {
  WatchView view = example();
  view.run = "r\x1b[2J";
  view.live.run.job_id = "7\x1b[2J";
  view.live.run.reason =
      "a\xc2\x9b"
      "2Jb\nc";
  view.nodes = {{"n\x1b", 1.2}};
  view.events = {{{"t", 7}, {"event", "failed\x1b"}, {"reason", "a\x1b[2Jb\nc"}}};

  for (const auto& line : frame(view, 80, 24, console::Marks::ascii)) {
    EXPECT_EQ(find_control(line), std::nullopt) << quoted(line);
    EXPECT_THAT(line, Not(HasSubstr("\x9b")));
  }
}

}  // namespace
}  // namespace pst::cli
