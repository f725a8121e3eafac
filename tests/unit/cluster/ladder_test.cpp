// SPDX-License-Identifier: Apache-2.0
#include "cluster/ladder.hpp"

#include <gmock/gmock.h>

namespace pst::cluster {
namespace {

using Kind = Decision::Kind;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Means allocation(int nodes, int wanted) {
  Means means{.slurm = true, .nodes_wanted = wanted, .nodes_used = wanted};
  for (int i = 1; i <= nodes; ++i) means.nodes.push_back({.name = "n" + std::to_string(i)});
  return means;
}

AttemptEnd failed(int exit = 75, std::int64_t step = 0) { return {.end = End::failed, .exit = exit, .step = step}; }

TEST(Ladder, ALostRankIsRelaunchedOnTheSameNodes) {
  const Decision next = decide({failed(75, 12)}, allocation(2, 2), {"n1", "n2"});

  EXPECT_EQ(next.kind, Kind::relaunch);
  EXPECT_THAT(next.nodes, ElementsAre("n1", "n2"));
  EXPECT_FALSE(next.shrunk);
  EXPECT_FALSE(next.spare_used);
}

TEST(Ladder, ADeadNodeIsReplacedByASpare) {
  Means means = allocation(3, 2);
  means.nodes[1].reachable = false;

  const Decision next = decide({failed()}, means, {"n1", "n2"});

  EXPECT_EQ(next.kind, Kind::relaunch);
  EXPECT_THAT(next.nodes, ElementsAre("n1", "n3"));
  EXPECT_TRUE(next.spare_used);
  EXPECT_FALSE(next.shrunk);
}

TEST(Ladder, WithoutASpareItShrinksByHalves) {
  Means means = allocation(4, 4);
  means.nodes[2].reachable = false;

  const Decision next = decide({failed()}, means, {"n1", "n2", "n3", "n4"});

  EXPECT_EQ(next.kind, Kind::relaunch);
  EXPECT_THAT(next.nodes, ElementsAre("n1", "n2"));
  EXPECT_TRUE(next.shrunk);
}

TEST(Ladder, WhatCannotShrinkIsRequeued) {
  for (const int wanted : {2, 3}) {
    Means means = allocation(wanted, wanted);
    means.nodes[0].reachable = false;
    means.may_shrink = wanted == 3;  // an odd number has no half, and other counts would change the bits
    const Decision next = decide({failed()}, means, {});
    EXPECT_EQ(next.kind, Kind::requeue);
    EXPECT_THAT(next.reason, HasSubstr("nodes are left"));
  }
}

TEST(Ladder, BlamedNodesComeLast) {
  Means means = allocation(3, 2);
  means.nodes[0].blamed = 1;
  EXPECT_THAT(choose_nodes(means), ElementsAre("n2", "n3"));
  means.nodes[2].reachable = false;
  EXPECT_THAT(choose_nodes(means), ElementsAre("n1", "n2")) << "blamed once is better than half as many";
  means.nodes[0].blamed = 2;
  EXPECT_THAT(choose_nodes(means), ElementsAre("n2"));
  means.may_shrink = false;
  EXPECT_THAT(choose_nodes(means), ElementsAre("n1", "n2"));
  means.nodes[0].reachable = false;
  EXPECT_THAT(choose_nodes(means), IsEmpty());
}

TEST(Ladder, FaultsThatRepeatingCannotCureAreNotRepeated) {
  for (const int exit : {64, 65}) {
    const Decision next = decide({failed(exit)}, allocation(2, 2), {});
    EXPECT_EQ(next.kind, Kind::give_up);
    EXPECT_EQ(next.exit, exit);
  }
  for (const int exit : {69, 70, 75, 137}) EXPECT_EQ(decide({failed(exit)}, allocation(2, 2), {}).kind, Kind::relaunch);
}

TEST(Ladder, TheSameStepThreeTimesIsACrashLoop) {
  const Means means = allocation(2, 2);
  EXPECT_EQ(decide({failed(70, 8), failed(70, 8)}, means, {}).kind, Kind::relaunch);
  EXPECT_EQ(decide({failed(70, 8), failed(70, 9), failed(70, 8)}, means, {}).kind, Kind::relaunch);

  const Decision next = decide({failed(70, 8), failed(75, 8), failed(70, 8)}, means, {});

  EXPECT_EQ(next.kind, Kind::give_up);
  EXPECT_EQ(next.exit, 70);
  EXPECT_THAT(next.reason, HasSubstr("step 8 failed 3 times"));
}

TEST(Ladder, LostNodesAreNoCrashLoop) {
  AttemptEnd lost = failed(75, 8);
  lost.node_lost = true;
  EXPECT_EQ(failures_at_same_step({lost, lost, lost, failed(75, 8)}), 1);
  EXPECT_EQ(decide({lost, lost, lost}, allocation(2, 2), {}).kind, Kind::relaunch);
}

TEST(Ladder, RestartsAreBounded) {
  Means means = allocation(2, 2);
  means.max_restarts = 2;
  EXPECT_EQ(decide({failed(75, 1), failed(75, 2)}, means, {}).kind, Kind::relaunch);
  const Decision next = decide({failed(75, 1), failed(75, 2), failed(75, 3)}, means, {});
  EXPECT_EQ(next.kind, Kind::give_up);
  EXPECT_THAT(next.reason, HasSubstr("max_restarts"));
}

TEST(Ladder, ATimeLimitIsRequeuedWhileItMovesOn) {
  const Means means = allocation(2, 2);
  const AttemptEnd at_10{.end = End::out_of_time, .exit = 76, .step = 10},
      at_20{.end = End::out_of_time, .exit = 76, .step = 20};
  EXPECT_EQ(decide({at_10}, means, {}).kind, Kind::requeue);
  EXPECT_EQ(decide({at_10, at_20}, means, {}).kind, Kind::requeue);
  const Decision next = decide({at_10, failed(75, 10), at_10}, means, {});
  EXPECT_EQ(next.kind, Kind::give_up);
  EXPECT_THAT(next.reason, HasSubstr("without getting beyond step 10"));
}

TEST(Ladder, EveryOtherEnd) {
  const Means slurm = allocation(2, 2);
  EXPECT_EQ(decide({{.end = End::completed}}, slurm, {}).kind, Kind::done);
  EXPECT_EQ(decide({{.end = End::cancelled}}, slurm, {}).kind, Kind::cancelled);
  EXPECT_EQ(decide({{.end = End::paused}}, slurm, {}).kind, Kind::paused);
  EXPECT_EQ(decide({{.end = End::preempted}}, slurm, {}).kind, Kind::requeue);
  EXPECT_EQ(decide({{.end = End::superseded}}, slurm, {}).kind, Kind::give_up);
}

TEST(Ladder, WithoutSlurmThereAreNoNodesToChooseAndNoQueue) {
  const Means here;
  const Decision next = decide({failed()}, here, {});
  EXPECT_EQ(next.kind, Kind::relaunch);
  EXPECT_THAT(next.nodes, IsEmpty());
  EXPECT_EQ(decide({{.end = End::preempted}}, here, {}).kind, Kind::give_up);
}

}  // namespace
}  // namespace pst::cluster
