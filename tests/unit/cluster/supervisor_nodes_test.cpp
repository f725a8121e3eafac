// SPDX-License-Identifier: Apache-2.0
// Which nodes a supervisor takes for dead, and which it goes on with.
#include <chrono>
#include <thread>

#include "cluster/capture.hpp"
#include "heartbeat/endpoint.hpp"
#include "heartbeat/socket.hpp"
#include "unit/cluster/supervised_run.hpp"

namespace pst::cluster {
namespace {

class SupervisorsNodes : public SupervisedRun {
 protected:
  void record_launches(SuperviseSettings& settings) {
    settings.launch = [this, launch = settings.launch](int attempt, const std::vector<std::string>& nodes) {
      launched.push_back(nodes);
      return launch(attempt, nodes);
    };
  }
  std::vector<std::vector<std::string>> launched;  ///< the nodes of each attempt
};

// Whoever asks a node is a process of ours, and was once ended together with what the workers had left: every node that
// a rank was lost on then passed for dead.
TEST_F(SupervisorsNodes, ANodeThatAnswersIsNotTakenForDeadWhileTheWorkersAreCleared) {
  auto settings = settings_for("exec sleep 60");
  settings.nodes = {"n1", "n2"};
  settings.patience.silent_after = 0.5;
  settings.hands.answers = [](const std::string&) {
    return capture({.argv = {"sh", "-c", "sleep 1; echo here"}}).out == "here\n";
  };
  heartbeat::Socket rank;
  settings.on_tick = [&] {
    if (rank || !fs::exists(run.heartbeat_file(1))) return;
    const auto endpoint = heartbeat::read_endpoint(run.heartbeat_file(1));
    rank = heartbeat::connect_to("127.0.0.1", endpoint.port, 2).value();
    const heartbeat::Hello hello{.token = endpoint.token, .attempt = 1, .rank = 0, .pid = 100, .host = "n2"};
    heartbeat::send_line(rank, to_line(hello));
  };

  supervise(run, settings);

  std::vector<std::string> kinds;
  for (const auto& event : run.read_events()) kinds.push_back(event["event"]);
  EXPECT_THAT(kinds, testing::Contains("rank-lost"));
  EXPECT_THAT(kinds, testing::Not(testing::Contains("node-lost")));
}

// srun ends the rank that did start when another node refuses; the dead node, of which nobody was ever heard, was then
// not even suspected, three times in a row, and the run given up.
TEST_F(SupervisorsNodes, ANodeThatWasNeverHeardIsAskedThoughAnotherWas) {
  auto settings = settings_for("while ! [ -e \"$1/heard\" ]; do sleep 0.02; done; exit 233");
  settings.nodes = {"n1", "n2", "n3", "n4"};
  settings.nodes_wanted = 2;
  settings.job_id = "12";
  settings.max_restarts = 1;
  record_launches(settings);
  settings.hands.answers = [](const std::string& node) { return node == "n4"; };
  heartbeat::Socket rank;
  settings.on_tick = [&] {
    if (rank || !fs::exists(run.heartbeat_file(1))) return;
    const auto endpoint = heartbeat::read_endpoint(run.heartbeat_file(1));
    rank = heartbeat::connect_to("127.0.0.1", endpoint.port, 2).value();
    const heartbeat::Hello hello{.token = endpoint.token, .attempt = 1, .rank = 0, .pid = 100, .host = "n1"};
    heartbeat::send_line(rank, to_line(hello));
    for (int i = 0; i < 200 && heartbeat::receive(rank).value_or("").empty(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    write_durably(run.root() / "heard", "");  // as it is from the answer on
  };
  fake.add("squeue", "exit 0");

  supervise(run, settings);

  ASSERT_EQ(launched.size(), 2u);
  EXPECT_THAT(launched[0], testing::ElementsAre("n1", "n2"));
  EXPECT_THAT(launched[1], testing::ElementsAre("n1", "n4")) << "n3, idle and as dead, was asked beside n2";
}

TEST_F(SupervisorsNodes, ANodeThatTheLauncherNamesIsAvoidedEvenWhenItAnswers) {
  auto settings = settings_for(
      "echo 'srun: error: Task launch for StepId=1.3 failed on node n2: Invalid job credential' "
      ">\"$1/attempts/0001/srun.log\"; exit 233");
  settings.nodes = {"n1", "n2", "n3"};
  settings.nodes_wanted = 2;
  settings.job_id = "12";
  settings.max_restarts = 1;
  record_launches(settings);
  settings.hands.answers = [](const std::string&) { return true; };
  fake.add("squeue", "exit 0");

  supervise(run, settings);

  ASSERT_EQ(launched.size(), 2u);
  EXPECT_THAT(launched[1], testing::ElementsAre("n1", "n3"));
}

}  // namespace
}  // namespace pst::cluster
