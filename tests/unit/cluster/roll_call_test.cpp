// SPDX-License-Identifier: Apache-2.0
#include "cluster/roll_call.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace pst::cluster {
namespace {

TEST(RollCall, NodesAreAskedAtTheSameTimeAndBeforeTheAnswerIsWanted) {
  std::promise<void> first_is_asked, second_is_asked;
  auto first = first_is_asked.get_future().share(), second = second_is_asked.get_future().share();
  // Each waits for the other: one after the other they would never answer.
  RollCall call([&](const std::string& node) {
    (node == "n1" ? first_is_asked : second_is_asked).set_value();
    (node == "n1" ? second : first).wait();
    return node == "n1";
  });

  call.ask("n1");
  call.ask("n2");

  EXPECT_TRUE(call.answers("n1"));
  EXPECT_FALSE(call.answers("n2"));
}

TEST(RollCall, ANodeIsAskedOnceUntilItIsForgotten) {
  std::atomic<int> times{0};
  RollCall call([&](const std::string&) { return ++times == 1; });

  call.ask("n1");
  EXPECT_TRUE(call.answers("n1"));
  EXPECT_TRUE(call.answers("n1"));
  call.forget();
  EXPECT_FALSE(call.answers("n1"));
  EXPECT_EQ(times, 2);
}

TEST(RollCall, WithoutAQuestionEverybodyIsThere) { EXPECT_TRUE(RollCall(nullptr).answers("n1")); }

}  // namespace
}  // namespace pst::cluster
