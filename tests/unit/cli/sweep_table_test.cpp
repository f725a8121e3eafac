// SPDX-License-Identifier: Apache-2.0
#include "cli/observe/sweep_table.hpp"

#include <gmock/gmock.h>

#include <sstream>

#include "core/strings.hpp"
#include "source_tree.hpp"
#include "support/fake_programs.hpp"
#include "support/run_fixture.hpp"
#include "support/temporary_directory.hpp"

namespace pst::cli {
namespace {

using nlohmann::ordered_json;
using rundir::State;
using testing::ElementsAre;
using testing::HasSubstr;

class ASweepsTable : public testing::Test {
 protected:
  ASweepsTable() {
    fake.add("squeue", "exit 1");  // the folders alone decide here
    for (std::size_t i = 0; i < 3; ++i) {
      make_directories(sweep.run(i).root());
      sweep.run(i).write_record({.id = "x", .name = "s", .model_path = "/m", .store = "/s"});
      sweep.run(i).event("submitted", {{"job_id", cat("12_", i)}});
    }
    sweep.write_record(record);
  }
  /// Ended well, with that validation loss.
  void complete(std::size_t number, double loss) const {
    auto completed = fixture::finish(sweep.run(number));
    completed.validation_loss_after = loss;
    sweep.run(number).write_completed(completed);
  }
  std::string printed() const {
    std::vector<runs::RunRow> rows;
    for (const auto& run : sweep.runs(record)) {
      const runs::LiveState live{.run = rundir::read_state(run)};
      rows.push_back(
          {run, live, std::nullopt, live.run.state == State::completed ? run.read_completed() : std::nullopt});
    }
    std::ostringstream out;
    print_sweep(out, runs::view_of(sweep, record, rows));
    return out.str();
  }

  fixture::FakePrograms fake;
  fixture::TemporaryDirectory dir;
  rundir::SweepDir sweep = rundir::SweepDir::create(dir.path(), "s");
  rundir::SweepRecord record{.id = "x",
                             .name = "s",
                             .version = "1",
                             .created = "t",
                             .recipe_file = "s.yaml",
                             .keys = {"optimizer.lr", "adapter.r"},
                             .values = {{"1.0e-4", "8"}, {"2.0e-4", "8"}, {"2.0e-4", "16"}}};
};

TEST_F(ASweepsTable, HasWhatDiffersAndTheBest) {
  complete(0, 0.5);
  complete(2, 0.25);
  sweep.run(1).event("failed", {{"reason", "disk full\nmore"}, {"exit", 75}});

  const auto lines = split(printed(), '\n');

  EXPECT_EQ(lines[0], "RUN  optimizer.lr  adapter.r  STATE      STEP  LOSS   VALIDATION  TIME  REASON");
  EXPECT_EQ(lines[1], "0    1.0e-4        8          completed  -     0.250  0.5000      13 s");
  EXPECT_EQ(lines[2], "1    2.0e-4        8          failed     -     -      -           -     disk full");
  EXPECT_EQ(lines[4], "3 runs: 2 completed, 1 failed");
  EXPECT_THAT(lines[5],
              testing::StartsWith("best: run 2, validation loss 0.2500 (optimizer.lr 2.0e-4, adapter.r 16): "));
}

TEST_F(ASweepsTable, IsWrittenOnceAllHaveEnded) {
  complete(0, 0.5);
  complete(2, 0.25);
  runs::write_results_when_over(sweep);
  EXPECT_THAT(read_file(sweep.record_file()), testing::Not(HasSubstr("results"))) << "run 1 is still under way";
  EXPECT_THAT(printed(), HasSubstr("best so far: run 2"));

  sweep.run(1).event("cancelled", {{"reason", "by hand"}});
  runs::write_results_when_over(sweep);

  const auto whole = ordered_json::parse(read_file(sweep.record_file()));
  const auto& results = whole.at("results");
  EXPECT_EQ(results.at("best"), "2");
  EXPECT_EQ(results.at("runs").at(1).at("state"), "cancelled");
  EXPECT_EQ(results.at("runs").at(2).at("validation_loss"), 0.25);
  EXPECT_EQ(results.at("runs").at(2).at("values").at("adapter.r"), 16);
  EXPECT_EQ(results.at("runs").at(0).at("values").at("optimizer.lr"), 1e-4);
}

TEST_F(ASweepsTable, HasTheKeysThatAreDocumented) {
  complete(0, 0.5);
  const ordered_json json = to_json(runs::look_at(sweep));
  std::vector<std::string> keys, row;
  for (const auto& [key, value] : json.items()) keys.push_back(key);
  for (const auto& [key, value] : json.at("runs").at(0).items()) row.push_back(key);

  EXPECT_THAT(keys, ElementsAre("sweep", "folder", "over", "parameters", "best", "runs"));
  EXPECT_THAT(row,
              ElementsAre("run", "sweep", "folder", "state", "reason", "step", "total_steps", "loss", "validation_loss",
                          "tokens_per_s", "seconds", "seconds_left", "job_id", "jobs", "attempt", "alerts", "values"));
  const std::string page = read_file(std::filesystem::path(PST_SOURCE_DIR) / "docs/submitting.md");
  for (const auto* list : {&keys, &row})
    for (const auto& key : *list) EXPECT_THAT(page, HasSubstr(cat("`", key, "`")));
  EXPECT_EQ(json.at("runs").at(0).at("jobs"), ordered_json::array({"12_0"}));
  EXPECT_EQ(json.at("runs").at(0).at("sweep"), sweep.root().filename().string());
}

TEST(AValue, IsANumberOrASwitchWhereItLooksLikeOne) {
  EXPECT_EQ(runs::json_of_value("8"), 8);
  EXPECT_EQ(runs::json_of_value("1.0e-4"), 1e-4);
  EXPECT_EQ(runs::json_of_value("true"), true);
  EXPECT_EQ(runs::json_of_value("all-linear"), "all-linear");
  EXPECT_EQ(runs::json_of_value("[q_proj, v_proj]"), "[q_proj, v_proj]");
}

}  // namespace
}  // namespace pst::cli
