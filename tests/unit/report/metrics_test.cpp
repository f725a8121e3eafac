// SPDX-License-Identifier: Apache-2.0
#include "report/metrics.hpp"

#include <gmock/gmock.h>

#include <fstream>

#include "made_run.hpp"
#include "report/summary.hpp"

namespace pst::report {
namespace {

using fixture::kEpoch;
using fixture::MadeRun;
using nlohmann::ordered_json;
using testing::Contains;
using testing::HasSubstr;

std::vector<std::string> gaps_of(const ordered_json& report) {
  return report["coverage"]["gaps"].get<std::vector<std::string>>();
}

void four_nodes(MadeRun& made) { made.attempt(1, {{"n1", {0}}, {"n2", {1}}, {"n3", {2}}, {"n4", {3}}}, 1, 40, kEpoch); }

/// As the release before this format wrote them.
std::string old_file() {
  std::string text =
      R"({"t":"2026-01-01T00:00:00.000Z","node":"n4","kind":"start","attempt":1,"rank":3,"ranks":4,"ranks_here":1,"cpu":"old"})"
      "\n";
  for (int step = 1; step <= 40; ++step)
    text += cat(
        R"({"t":"2026-01-01T00:00:20.000Z","node":"n4","kind":"step","step":)", step,
        R"(,"total_steps":200,"loss":1.0,"lr":0.001,"grad_norm":1.5,"rows":4,"tokens":1,"labelled_tokens":1,"skipped":false,"step_s":0.2,"tokens_per_s":5.0,)",
        R"("data_s":0.01,"forward_s":0.05,"backward_s":0.1,"communication_s":0.03,"optimizer_s":0.01,"checkpoint_s":0.002})",
        "\n");
  return text;
}

TEST(Metrics, MissingTornAndOldFilesAreNamedAndTheRestIsUnchanged) {
  MadeRun whole, damaged;
  four_nodes(whole);
  four_nodes(damaged);
  fs::remove(damaged.run().node_log(1, "n2"));
  const auto torn = damaged.run().node_log(1, "n3");
  fs::resize_file(torn, fs::file_size(torn) - 200);  // in the middle of the line of step 40
  std::ofstream(damaged.run().node_log(1, "n4")) << old_file();

  const auto good = summarise(whole.run(), read_metrics(whole.run()), {});
  const auto report = summarise(damaged.run(), read_metrics(damaged.run()), {});

  const auto gaps = gaps_of(report);
  EXPECT_THAT(gaps, Contains(HasSubstr("node n2: no metrics of this node")));
  EXPECT_THAT(gaps, Contains(HasSubstr("node n3: its last line is torn")));
  EXPECT_THAT(gaps, Contains(HasSubstr("node n4: format 0")));
  EXPECT_THAT(gaps, Contains(HasSubstr("times of 3 of 4 ranks")));
  EXPECT_EQ(report["coverage"]["text"], "3 of 4 node files, 1 of 1 attempts");
  EXPECT_EQ(report["totals"]["steps"], good["totals"]["steps"]);
  EXPECT_EQ(report["totals"]["tokens"], good["totals"]["tokens"]) << "every node tells what all ranks did";
  EXPECT_EQ(report["ranks"][0], [&] {
    auto first = good["ranks"][0];
    first["slowest_share"] = report["ranks"][0]["slowest_share"];  // who was slowest depends on who is there
    first["held_up_s"] = report["ranks"][0]["held_up_s"];
    return first;
  }());
  EXPECT_EQ(report["ranks"][1]["steps"], 39);
  const auto& old = report["ranks"][2];
  EXPECT_TRUE(old["phases_ms"]["waiting"].is_null()) << "not 0: format 0 does not tell";
  EXPECT_NEAR(old["phases_ms"]["transfer"].get<double>(), 30, 1e-9);
  EXPECT_NEAR(old["step_ms"].get<double>(), 202, 1e-9) << "a step of format 0 ended before the saver's share";
}

TEST(Metrics, NodesAreAddedUpInAnyOrder) {
  MadeRun made;
  made.attempt(1, {{"n1", {0, 1}}, {"n2", {2, 3}}, {"n3", {4, 5}}}, 5, 20, kEpoch);

  const auto attempts = read_metrics(made.run());

  ASSERT_EQ(attempts.size(), 1u);
  ASSERT_EQ(attempts[0].steps.size(), 16u);
  EXPECT_EQ(attempts[0].steps[0].step, 5);
  EXPECT_EQ(attempts[0].steps[0].ranks, 6);
  ASSERT_EQ(attempts[0].members.size(), 6u);
  EXPECT_EQ(attempts[0].members[4].host, "n3");
  EXPECT_EQ(attempts[0].members[4].rank, 4);
}

TEST(Metrics, DamagedLinesAreCountedAndPassedOver) {
  MadeRun made;
  made.attempt(1, {{"n1", {0}}}, 1, 5, kEpoch);
  std::ofstream(made.run().node_log(1, "n1"), std::ios::app)
      << "\x01\xff not json\n[1,2]\n"
      << R"({"kind":"step","step":9000000000000000000})" << '\n'
      << R"({"kind":"step","step":"six"})" << '\n'
      << R"({"kind":7,"step":6})" << '\n'
      << std::string(5 << 20, 'x') << '\n'
      << MadeRun::line(6, kEpoch, 1, {.host = "n1", .ranks = {0}}) << '\n';

  const auto attempts = read_metrics(made.run());

  EXPECT_EQ(attempts[0].steps.size(), 6u);
  EXPECT_EQ(attempts[0].nodes[0].unreadable_lines, 5);
}

TEST(Metrics, LostLinesAreAddedUp) {
  MadeRun made;
  made.attempt(1, {{"n1", {0}}}, 1, 5, kEpoch);
  std::ofstream(made.run().node_log(1, "n1"), std::ios::app)
      << R"({"kind":"lost","lines":3})" << '\n'
      << R"({"kind":"eval","step":5,"loss":1.0,"lost_lines":2})" << '\n';
  EXPECT_EQ(read_metrics(made.run())[0].nodes[0].lost_lines, 5);
}

TEST(Metrics, SamplesBecomePeaksAndMeans) {
  MadeRun made;
  made.attempt(1, {{"n1", {0, 1}}}, 1, 5, kEpoch);
  make_directories(made.run().attempt(1) / "samples");
  std::ofstream(made.run().attempt(1) / "samples/n1.jsonl")
      << R"({"kind":"sample","seconds":10,"cpu_busy":0.5,"available_bytes":900,"network":[10,20],"ranks":[[0,1.0,100,0,0,0,0,null,null],[1,2.0,300,0,0,0,0,0,0]]})"
      << '\n'
      << R"({"kind":"sample","seconds":30,"cpu_busy":0.9,"available_bytes":700,"network":[30,20],"ranks":[[0,2.0,200,0,0,0,0,null,null]],"gpus":[[0,50,10,100.0,null,null,null,4,0,null,null]]})"
      << '\n'
      << R"({"kind":"sample","secon)";

  const auto attempt = read_metrics(made.run())[0];

  EXPECT_NEAR(*attempt.nodes[0].cpu_busy, 0.8, 1e-9);
  EXPECT_EQ(attempt.nodes[0].least_available_bytes, 700);
  EXPECT_NEAR(*attempt.nodes[0].received_bytes_per_s, 25, 1e-9);
  EXPECT_NEAR(*attempt.nodes[0].gpu_energy_j, 3000, 1e-9);
  EXPECT_EQ(attempt.nodes[0].gpu_throttled_samples, 1);
  EXPECT_EQ(attempt.members[0].resident_peak_bytes, 200);
  EXPECT_NEAR(*attempt.members[0].cpu_cores, 1.75, 1e-9);
  EXPECT_EQ(attempt.members[1].resident_peak_bytes, 300);
}

}  // namespace
}  // namespace pst::report
