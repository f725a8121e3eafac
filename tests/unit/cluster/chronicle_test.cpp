// SPDX-License-Identifier: Apache-2.0
#include "cluster/chronicle.hpp"

#include <gmock/gmock.h>

#include "rundir/attempt.hpp"
#include "support/run_fixture.hpp"
#include "support/temporary_directory.hpp"

namespace pst::cluster {
namespace {

class Chronicle : public testing::Test {
 protected:
  fixture::TemporaryDirectory dir;
  rundir::RunDir run = fixture::new_run(dir.path(), "x");
};

TEST_F(Chronicle, WhatIsRecordedIsReadBackAfterARequeue) {
  run.event("submitted", {{"job_id", "12"}});
  record_attempt(run, 1, {.end = End::failed, .exit = 70, .step = 8, .node_lost = true}, {.reason = "x"});
  record_attempt(run, 2, {.end = End::out_of_time, .exit = 76, .step = 20}, {});

  const auto history = attempts_so_far(run);

  ASSERT_EQ(history.size(), 2u);
  EXPECT_EQ(history[0].end, End::failed);
  EXPECT_EQ(history[0].exit, 70);
  EXPECT_EQ(history[0].step, 8);
  EXPECT_TRUE(history[0].node_lost);
  EXPECT_EQ(history[1].end, End::out_of_time);
}

TEST_F(Chronicle, ResumingForgivesWhatWasBefore) {
  record_attempt(run, 1, {.end = End::failed, .exit = 70, .step = 8}, {});
  run.event("resumed");
  EXPECT_TRUE(attempts_so_far(run).empty());
}

TEST_F(Chronicle, StrangeEventsAreSurvived) {
  run.event("attempt-ended", {{"attempt", "x"}, {"end", 7}, {"exit", "y"}, {"step", nullptr}, {"node_lost", "no"}});
  const auto history = attempts_so_far(run);
  ASSERT_EQ(history.size(), 1u);
  EXPECT_EQ(history[0].end, End::failed);
  EXPECT_EQ(history[0].step, 0);
}

TEST_F(Chronicle, BlameIsCountedOverAttempts) {
  for (int i = 0; i < 2; ++i)
    rundir::write_attempt(run, {.number = run.begin_attempt(), .nodes = {"n1", "n2"}, .blamed = {"n2"}});
  const auto records = node_records(run, {"n1", "n2", "n3"});
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[0].blamed, 0);
  EXPECT_EQ(records[1].blamed, 2);
  EXPECT_TRUE(records[1].reachable);
}

TEST_F(Chronicle, AFaultSaysWhatWhereAndHowSoon) {
  Seen seen;
  seen.fault = Happening::rank_silent;
  seen.ranks = {1};
  seen.hosts = {"n2"};
  seen.noticed_after_s = 3.54321;
  seen.ending.noticed = "rank 1 on n2 has not been heard";
  record_fault(run, 3, seen);
  record_dead_nodes(run, 3, {});
  record_dead_nodes(run, 3, {"n2"});

  const auto events = run.read_events();

  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0]["event"], "rank-lost");
  EXPECT_EQ(events[0]["attempt"], 3);
  EXPECT_EQ(events[0]["hosts"][0], "n2");
  EXPECT_EQ(events[0]["noticed_after_s"], 3.543);
  EXPECT_FALSE(events[0]["remedy"].get<std::string>().empty());
  EXPECT_EQ(events[1]["event"], "node-lost");
}

}  // namespace
}  // namespace pst::cluster
