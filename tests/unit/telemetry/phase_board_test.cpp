// SPDX-License-Identifier: Apache-2.0
#include "telemetry/phase_board.hpp"

#include <gmock/gmock.h>

#include <thread>

namespace pst::telemetry {
namespace {

RankStep times(std::int64_t value) {
  RankStep step{.step_us = value};
  step.phase_us.fill(value);
  return step;
}

TEST(PhaseBoard, WhatOneRankPutsAnotherGets) {
  std::string problem;
  auto first = PhaseBoard::create(2, problem);
  ASSERT_TRUE(first) << problem;
  auto second = PhaseBoard::open(first->name(), 2);
  ASSERT_TRUE(second);

  second->introduce(1, 5, 4711);
  second->put(1, 3, times(42));

  ASSERT_TRUE(first->member(1));
  EXPECT_EQ(first->member(1)->rank, 5);
  EXPECT_EQ(first->member(1)->pid, 4711);
  ASSERT_TRUE(first->get(1, 3));
  EXPECT_EQ(first->get(1, 3)->phase_us[7], 42);
  EXPECT_FALSE(first->member(0));
  EXPECT_FALSE(first->get(0, 3));
  EXPECT_FALSE(first->get(1, 2));
}

TEST(PhaseBoard, KeepsTheLatestStepsOnly) {
  std::string problem;
  auto board = PhaseBoard::create(1, problem);
  ASSERT_TRUE(board) << problem;

  for (std::int64_t step = 1; step <= PhaseBoard::kHistory + 1; ++step) board->put(0, step, times(step));

  EXPECT_FALSE(board->get(0, 1));
  ASSERT_TRUE(board->get(0, 2));
  EXPECT_EQ(board->get(0, 2)->step_us, 2);
}

TEST(PhaseBoard, UnlinkedItStaysWithThoseWhoHaveIt) {
  std::string problem;
  auto first = PhaseBoard::create(1, problem);
  ASSERT_TRUE(first) << problem;
  auto second = PhaseBoard::open(first->name(), 1);

  first->unlink();
  second->put(0, 1, times(7));

  EXPECT_FALSE(PhaseBoard::open(first->name(), 1));
  EXPECT_EQ(first->get(0, 1)->step_us, 7);
}

TEST(PhaseBoard, AReaderNeverSeesHalfAStep) {
  std::string problem;
  auto board = PhaseBoard::create(1, problem);
  ASSERT_TRUE(board) << problem;
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (std::int64_t step = 1; step <= 200000; ++step) board->put(0, step, times(step));
    done = true;
  });

  std::int64_t seen = 0, wrong = 0;
  while (!done)
    for (std::int64_t step = 1; step <= 200000; step += 997)
      if (const auto got = board->get(0, step)) {
        ++seen;
        for (const auto value : got->phase_us) wrong += value != step;
      }
  writer.join();

  EXPECT_EQ(wrong, 0) << "of " << seen;
}

}  // namespace
}  // namespace pst::telemetry
