// SPDX-License-Identifier: Apache-2.0
#include "app/journal.hpp"

#include <gmock/gmock.h>

#include "app/this_machine.hpp"
#include "comm/local_communicator.hpp"
#include "support/environment.hpp"
#include "support/run_fixture.hpp"
#include "support/temporary_directory.hpp"
#include "support/tiny_spec.hpp"
#include "telemetry/line_tail.hpp"
#include "unit/app/tiny_run.hpp"

namespace pst::app {
namespace {

class Journals : public testing::Test {
 protected:
  Journals() { run_.begin_attempt(); }

  /// One step of each of `ranks` on this machine, from the model's load to the end.
  void keep(int ranks, Resolved resolved = {}) const {
    comm::run_ranks(ranks, [&, resolved](comm::Communicator& world) mutable {
      resolved.decisions = {{"train.threads", "3", "given"}};
      Journal journal(run_, 1, fixture::on_one_node(world), resolved, fixture::tiny_spec());
      journal.model_loaded(1234);
      train::StepRecord step{.step = 1, .total_steps = 9, .loss = 2.5, .lr = 1e-3, .grad_norm = 0.5};
      step.rows = 4;
      step.tokens = 100;
      step.labelled_tokens = 50;
      step.attention_pairs = 2600;
      step.step_s = 0.36 + world.rank();
      step.data_s = 0.01;
      step.forward_s = 0.02;
      step.backward_s = 0.03;
      step.waiting_s = 0.04;
      step.transfer_s = 0.05;
      step.optimizer_s = 0.06;
      step.checkpoint_s = 0.07;
      step.other_s = 0.08 + world.rank();
      journal.step(step);
      journal.eval({.step = 1, .loss = 2.25, .labelled_tokens = 70, .seconds = 0.5});
      world.barrier();
      journal.flush();
      journal.end({.step = 1, .seconds = 1.5});
    });
  }
  std::vector<nlohmann::ordered_json> lines() const { return telemetry::read_lines(file_); }

  fixture::TemporaryDirectory dir_;
  rundir::RunDir run_ = fixture::new_run(dir_.path(), "a");
  std::filesystem::path file_ = run_.node_log(1, host_name());
};

TEST_F(Journals, ANodesFirstRankWritesForAll) {
  keep(2);

  const auto all = lines();
  ASSERT_EQ(all.size(), 5u);
  const auto& header = all[0];
  EXPECT_EQ(header["attempt"], 1);
  EXPECT_EQ(header["rank"], 0);
  EXPECT_EQ(header["ranks"], 2);
  EXPECT_EQ(header["ranks_here"], 2);
  EXPECT_EQ(header["resolved"]["train.threads"]["value"], "3");
  EXPECT_EQ(header["resolved"]["train.threads"]["reason"], "given");
  EXPECT_EQ(header["clock"]["offset_s"], 0) << "rank 0's own clock";
  EXPECT_GT(header["memory_bytes"], 1 << 20);
  EXPECT_FALSE(header.contains("first_rank_only"));
}

TEST_F(Journals, WhatIsNotMeasuredOnGpusIsSaid) {
  keep(2, {.device = at::Device(at::kCUDA, 0), .strategy = recipe::Strategy::shard});
  EXPECT_THAT(lines()[0]["not_measured"].get<std::string>(), testing::HasSubstr("wait for frozen weights"));
}

TEST_F(Journals, AllIsMeasuredOnCpusAndOfWholeCopies) {
  keep(1, {.strategy = recipe::Strategy::shard});
  EXPECT_FALSE(lines()[0].contains("not_measured"));
}

TEST_F(Journals, AStepHasEveryRanksTimesInMicroseconds) {
  keep(2);

  const auto step = lines()[2];
  EXPECT_EQ(step["kind"], "step");
  EXPECT_EQ(step["step"], 1);
  EXPECT_EQ(step["loss"], 2.5);
  EXPECT_EQ(step["tokens"], 100);
  EXPECT_FALSE(step.contains("skipped"));
  ASSERT_EQ(step["us"].size(), 2u);
  EXPECT_EQ(step["us"][0].dump(), "[0,360000,10000,20000,30000,40000,50000,60000,70000,80000]");
  EXPECT_EQ(step["us"][1].dump(), "[1,1360000,10000,20000,30000,40000,50000,60000,70000,1080000]");
}

// By hand, of hidden 32, 2 layers, 4 heads and 2 of keys of 8 each, intermediate 64, vocabulary 320.
TEST_F(Journals, TheWorkOfATokenFollowsFromTheModel) {
  keep(1);

  const auto work = lines()[1];
  EXPECT_EQ(work["kind"], "work");
  EXPECT_EQ(work["layer_weights"], 2 * (2 * 32 * 32 + 2 * 32 * 16 + 3 * 32 * 64));
  EXPECT_EQ(work["head_weights"], 320 * 32);
  EXPECT_EQ(work["adapter_parameters"], 1234);
  EXPECT_EQ(work["attention_width"], 2 * 32);
}

TEST_F(Journals, EvaluationsAndTheEndHaveLines) {
  keep(1);

  const auto all = lines();
  ASSERT_EQ(all.size(), 5u);
  EXPECT_EQ(all[3]["kind"], "eval");
  EXPECT_EQ(all[3]["step"], 1);
  EXPECT_EQ(all[3]["loss"], 2.25);
  EXPECT_EQ(all[3]["labelled_tokens"], 70);
  EXPECT_EQ(all[4]["kind"], "end");
  EXPECT_EQ(all[4]["steps"], 1);
  EXPECT_EQ(all[4]["seconds"], 1.5);
  EXPECT_GT(all[4]["peak_memory_bytes"], 1 << 20);
  EXPECT_EQ(all[4]["lost_lines"], 0);
}

TEST_F(Journals, NobodyWritesWhereCollectingIsSwitchedOff) {
  const fixture::Variable off("PEFT_STUDIO_COLLECT", "no");

  keep(2);

  EXPECT_FALSE(std::filesystem::exists(file_));
}

TEST_F(Journals, AFileThatCannotBeMadeIsToldOnEveryRank) {
  std::filesystem::remove_all(run_.attempt(1) / "nodes");
  write_durably(run_.attempt(1) / "nodes", "a file where the folder should be");

  comm::run_ranks(2, [&](comm::Communicator& world) {
    EXPECT_THROW(Journal(run_, 1, fixture::on_one_node(world), {}, fixture::tiny_spec()), Error);
  });
}

}  // namespace
}  // namespace pst::app
