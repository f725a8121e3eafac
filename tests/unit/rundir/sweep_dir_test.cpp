// SPDX-License-Identifier: Apache-2.0
#include "rundir/sweep_dir.hpp"

#include <gmock/gmock.h>

#include "core/error.hpp"
#include "rundir/run_state.hpp"
#include "support/run_fixture.hpp"
#include "support/temporary_directory.hpp"

namespace pst::rundir {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ASweep : public testing::Test {
 protected:
  ASweep() {
    for (std::size_t i = 0; i < 2; ++i) {
      make_directories(sweep.run(i).root());
      sweep.run(i).write_record({.id = "x", .name = "s", .model_path = "/m", .store = "/s"});
    }
    sweep.write_record(record);
  }
  std::string complaint(const std::string& what) {
    try {
      RunDir::find(what, dir.path());
    } catch (const Error& error) {
      return error.what();
    }
    return {};
  }

  fixture::TemporaryDirectory dir;
  SweepRecord record{.id = "7f3a",
                     .name = "s",
                     .version = "1",
                     .created = "2026-01-01T00:00:00Z",
                     .recipe_file = "s.yaml",
                     .keys = {"optimizer.lr", "adapter.r"},
                     .values = {{"1e-4", "8"}, {"2e-4", "8"}},
                     .max_parallel = 2};
  SweepDir sweep = SweepDir::create(dir.path(), "s");
};

TEST_F(ASweep, IsReadAsItWasWritten) {
  const SweepRecord read = sweep.read_record();
  EXPECT_EQ(read.keys, record.keys);
  EXPECT_EQ(read.values, record.values);
  EXPECT_EQ(read.max_parallel, 2);
  EXPECT_EQ(read.recipe_file, "s.yaml");
  sweep.write_results({{"best", "1"}});
  EXPECT_EQ(sweep.read_record().values, record.values);
  EXPECT_THAT(read_file(sweep.record_file()), HasSubstr("\"best\": \"1\""));
}

TEST_F(ASweep, ItsRunsAreNamedByTheirNumbers) {
  const std::string name = sweep.root().filename().string();
  EXPECT_EQ(RunDir::find(name + "/1", dir.path()).root(), sweep.run(1).root());
  EXPECT_EQ(RunDir::find(name.substr(2) + "/0", dir.path()).root(), sweep.run(0).root());
  EXPECT_EQ(RunDir::find(sweep.run(1).root().string() + "/", ".").root(), sweep.run(1).root());
  EXPECT_THAT(complaint(name + "/2"), HasSubstr("has no run 2; the last one is 1"));
  EXPECT_THAT(complaint(name), HasSubstr("is a sweep, and one run is wanted"));
  EXPECT_THAT(complaint(name), HasSubstr(name + "/0"));
  EXPECT_EQ(sweep_of(sweep.run(1))->root(), sweep.root());
}

TEST_F(ASweep, IsFoundBesideRunsAndIsNone) {
  const RunDir alone = fixture::new_run(dir.path(), "alone");
  EXPECT_TRUE(std::holds_alternative<SweepDir>(find_run_or_sweep("s", dir.path())));
  EXPECT_TRUE(std::holds_alternative<RunDir>(find_run_or_sweep("alone", dir.path())));
  EXPECT_EQ(list_runs(dir.path()).size(), 1u);
  EXPECT_EQ(list_sweeps(dir.path()).size(), 1u);
  EXPECT_FALSE(sweep_of(alone));
}

TEST_F(ASweep, ADamagedRecordIsNamed) {
  for (
      const char* bad :
      {"", "[]", "{}", R"({"format":2})", R"({"format":1,"id":"x","name":"s","version":"1","created":"t",
        "recipe_file":"r","parameters":["a"],"runs":[{"values":[]}]})",
       R"({"format":1,"id":"x","name":"s","version":"1","created":"t","recipe_file":"r","parameters":[1],"runs":[]})"}) {
    write_durably(sweep.record_file(), bad);
    SCOPED_TRACE(bad);
    try {
      sweep.read_record();
      ADD_FAILURE() << "it was read";
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::data);
      EXPECT_THAT(error.message(), HasSubstr("sweep.json"));
    }
  }
}

TEST(Chain, TheJobWithItsTurnIsTheRunsJob) {
  fixture::TemporaryDirectory dir;
  const RunDir run = fixture::new_run(dir.path(), "x");
  run.event("submitted", {{"job_id", "12"}, {"chain", {"12", "13"}}, {"after", "/runs/y-1"}});
  run.event("started", {{"attempt", 1}});
  run.event("requeued", {{"reason", "time limit"}});
  run.event("job-changed", {{"job_id", "13"}});

  const RunState state = read_state(run);

  EXPECT_EQ(state.state, State::requeued);
  EXPECT_EQ(state.job_id, "13");
  EXPECT_THAT(state.chain, ElementsAre("12", "13"));
  EXPECT_EQ(state.after, "/runs/y-1");
  run.event("resumed");
  EXPECT_TRUE(read_state(run).chain.empty());
}

}  // namespace
}  // namespace pst::rundir
