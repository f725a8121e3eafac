// SPDX-License-Identifier: Apache-2.0
#include "runs/run_monitor.hpp"

#include <gmock/gmock.h>

#include <fstream>

#include "support/run_fixture.hpp"
#include "support/temporary_directory.hpp"

namespace pst::runs {
namespace {

class Monitor : public testing::Test {
 protected:
  fixture::TemporaryDirectory dir;
  rundir::RunDir run = fixture::new_run(dir.path(), "x");
  RunMonitor monitor{run};

  void log(int attempt, const std::string& node, const std::string& line) {
    std::ofstream(run.node_log(attempt, node), std::ios::app) << line << '\n';
  }
};

TEST_F(Monitor, KnowsNothingBeforeTheFirstRecord) {
  EXPECT_FALSE(monitor.poll());
  run.begin_attempt();
  log(1, "n1", "{\"kind\":\"start\"}");
  EXPECT_FALSE(monitor.poll());
}

TEST_F(Monitor, FollowsStepsAndEstimatesTheRest) {
  run.begin_attempt();
  log(1, "n1", "{\"kind\":\"plan\",\"total_steps\":10}");
  log(1, "n1", "{\"kind\":\"eval\",\"step\":0,\"loss\":2.5}");
  log(1, "n1", "{\"kind\":\"step\",\"step\":1,\"loss\":3,\"lr\":0.001,\"tokens_per_s\":100,\"step_s\":1}");
  log(1, "n1", "{\"kind\":\"step\",\"step\":2,\"loss\":2,\"lr\":0.002,\"tokens_per_s\":200,\"step_s\":3}");

  const auto progress = monitor.poll();

  ASSERT_TRUE(progress);
  EXPECT_EQ(progress->step, 2);
  EXPECT_EQ(progress->loss, 2);
  EXPECT_EQ(progress->validation_loss, 2.5);
  EXPECT_EQ(progress->seconds_left, 8 * 2.0);
}

TEST_F(Monitor, AnotherNodesRecordOfTheSameStepCountsOnce) {
  run.begin_attempt();
  for (const char* node : {"n1", "n2"})
    log(1, node, "{\"kind\":\"step\",\"step\":1,\"total_steps\":3,\"loss\":3,\"step_s\":1}");
  log(1, "n2", "{\"kind\":\"step\",\"step\":2,\"total_steps\":3,\"loss\":2,\"step_s\":1}");

  EXPECT_EQ(monitor.poll()->step, 2);
  EXPECT_EQ(monitor.poll()->seconds_left, 1);
}

TEST_F(Monitor, ANewAttemptBeginsAnew) {
  run.begin_attempt();
  log(1, "n1", "{\"kind\":\"step\",\"step\":9,\"total_steps\":10,\"loss\":3}");
  EXPECT_EQ(monitor.poll()->step, 9);

  run.begin_attempt();
  EXPECT_FALSE(monitor.poll());
  log(2, "n1", "{\"kind\":\"step\",\"step\":1,\"total_steps\":10,\"loss\":3}");

  EXPECT_EQ(monitor.poll()->step, 1);
}

TEST_F(Monitor, HostileRecordsAreNotBelieved) {
  run.begin_attempt();
  log(1, "n1",
      "{\"kind\":7}\n{\"kind\":\"step\",\"step\":\"x\",\"loss\":[]}\n{\"kind\":\"step\",\"step\":1,\"loss\":null,"
      "\"step_s\":\"a\"}");

  const auto progress = monitor.poll();

  ASSERT_TRUE(progress);
  EXPECT_EQ(progress->step, 1);
  EXPECT_FALSE(progress->loss);
}

}  // namespace
}  // namespace pst::runs
