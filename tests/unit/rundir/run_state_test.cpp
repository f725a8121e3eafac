// SPDX-License-Identifier: Apache-2.0
#include "rundir/run_state.hpp"

#include <gmock/gmock.h>

#include "core/file.hpp"
#include "support/run_fixture.hpp"
#include "support/temporary_directory.hpp"

namespace pst::rundir {
namespace {

class StateOfARun : public testing::Test {
 protected:
  fixture::TemporaryDirectory dir;
  RunDir run = fixture::new_run(dir.path(), "x");
};

TEST_F(StateOfARun, FollowsTheEvents) {
  EXPECT_EQ(read_state(run).state, State::unknown);
  run.event("submitted", {{"job_id", "12"}});
  EXPECT_EQ(read_state(run).state, State::submitted);
  run.event("started", {{"attempt", 1}});
  EXPECT_EQ(read_state(run).state, State::running);
  run.event("failed", {{"reason", "disk full"}, {"exit", 75}});

  const RunState last = read_state(run);

  EXPECT_EQ(last.state, State::failed);
  EXPECT_EQ(last.reason, "disk full");
  EXPECT_EQ(last.job_id, "12");
  EXPECT_EQ(last.attempt, 1);
  EXPECT_EQ(last.exit, 75);
}

TEST_F(StateOfARun, PauseAndResume) {
  run.event("submitted", {{"job_id", "12"}});
  run.event("started", {{"attempt", 1}});
  run.event("pause-requested");
  EXPECT_TRUE(read_state(run).pause_requested);
  run.event("paused", {{"reason", "on request"}});
  EXPECT_EQ(read_state(run).state, State::paused);
  EXPECT_TRUE(is_final(State::paused));
  run.event("resumed");
  run.event("submitted", {{"job_id", "13"}});
  EXPECT_EQ(read_state(run).state, State::submitted);
  EXPECT_FALSE(read_state(run).pause_requested);
}

TEST_F(StateOfARun, ARequeuedRunGoesOn) {
  run.event("submitted", {{"job_id", "12"}});
  run.event("started", {{"attempt", 1}});
  run.event("requeued", {{"reason", "time limit"}});
  EXPECT_EQ(read_state(run).state, State::requeued);
  EXPECT_FALSE(is_final(State::requeued));
  EXPECT_EQ(read_state(run).job_id, "12");
  run.event("started", {{"attempt", 2}});
  EXPECT_EQ(read_state(run).state, State::running);
}

TEST_F(StateOfARun, KnowsTheAlertsThatFire) {
  run.event("started", {{"attempt", 1}});
  run.event("alert", {{"alert", "disk-low"}, {"state", "firing"}, {"severity", "warning"}, {"what", "1 GB"}});
  run.event("alert", {{"alert", "gpu-hot"}, {"state", "firing"}});
  run.event("alert", {{"alert", "gpu-hot"}, {"state", "resolved"}});
  ASSERT_EQ(read_state(run).alerts.size(), 1u);
  EXPECT_EQ(read_state(run).alerts[0].name, "disk-low");
  EXPECT_EQ(read_state(run).alerts[0].what, "1 GB");
  run.event("requeued");
  EXPECT_EQ(read_state(run).alerts.size(), 1u) << "the next supervisor has to know";
  run.event("cancelled");
  EXPECT_TRUE(read_state(run).alerts.empty()) << "nothing fires any more";
  run.event("submitted", {{"job_id", "13"}});
  EXPECT_TRUE(read_state(run).alerts.empty());
}

TEST_F(StateOfARun, ASecondSubmissionStartsAnew) {
  run.event("submitted", {{"job_id", "12"}});
  run.event("cancel-requested");
  run.event("cancelled");
  run.event("submitted", {{"job_id", "13"}});

  EXPECT_EQ(read_state(run).state, State::submitted);
  EXPECT_EQ(read_state(run).job_id, "13");
  EXPECT_FALSE(read_state(run).cancel_requested);
}

TEST_F(StateOfARun, OnlyTheFileProvesCompletion) {
  run.event("submitted", {{"job_id", "12"}});
  run.event("completed");

  EXPECT_EQ(read_state(run).state, State::failed);
  fixture::finish(run);
  EXPECT_EQ(read_state(run).state, State::completed);
  write_durably(run.adapter() / "adapter_model.safetensors", "other");
  EXPECT_EQ(read_state(run).state, State::failed);
}

TEST_F(StateOfARun, HostileEventsAreNotBelieved) {
  write_durably(run.events_file(),
                "{\"event\": 7}\n{\"event\": \"submitted\", \"job_id\": []}\n"
                "{\"event\": \"started\", \"attempt\": \"x\"}\n{\"event\":\"failed\",\"reason\":{},\"exit\":null}\n");

  EXPECT_EQ(read_state(run).state, State::failed);
  EXPECT_EQ(read_state(run).attempt, 0);
}

}  // namespace
}  // namespace pst::rundir
