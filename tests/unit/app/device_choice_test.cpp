// SPDX-License-Identifier: Apache-2.0
#include "app/device_choice.hpp"

#include <gmock/gmock.h>

#include "app/gpus.hpp"
#include "comm/local_communicator.hpp"
#include "rundir/unfit.hpp"
#include "support/environment.hpp"
#include "support/errors.hpp"
#include "unit/app/tiny_run.hpp"

namespace pst::app {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

GpuFound with(const char* node, const char* bus) { return {.node = node, .bus = bus, .why_not = {}}; }
GpuFound without(const char* node, const char* why = "no driver") { return {.node = node, .bus = {}, .why_not = why}; }

TEST(ChooseDevice, TakesGpusWhereEveryRankHasItsOwn) {
  struct Case {
    const char* name;
    std::vector<GpuFound> ranks;
    DeviceOfAll device;
    const char* reason;
  };
  const Case cases[] = {
      {"one rank with one", {with("a", "1")}, DeviceOfAll::gpus, "the rank has a GPU"},
      {"one rank without", {without("a")}, DeviceOfAll::cpu, "a: no driver"},
      {"two of a node", {with("a", "1"), with("a", "2")}, DeviceOfAll::gpus, "of its own"},
      {"two nodes, the same places", {with("a", "1"), with("b", "1")}, DeviceOfAll::gpus, "of its own"},
      {"two ranks that see one", {with("a", "1"), with("a", "1")}, DeviceOfAll::cpu, "see the same GPU, 1"},
      {"fewer than ranks", {with("a", "1"), without("a", "asked for 1, has 1")}, DeviceOfAll::cpu, "asked for 1"},
      {"one node of two", {with("a", "1"), without("b")}, DeviceOfAll::mixed, "on node a, and not on node b (b: no"},
      {"a node that lacks one of two",
       {with("a", "1"), with("a", "2"), with("b", "1"), without("b")},
       DeviceOfAll::mixed,
       "not on node b"},
      {"a node whose ranks share one",
       {with("a", "1"), with("a", "2"), with("b", "1"), with("b", "1")},
       DeviceOfAll::mixed,
       "(b: several of its ranks see"},
      {"none on two nodes", {without("a"), without("b")}, DeviceOfAll::cpu, "a: no driver"},
  };
  for (const Case& c : cases) {
    const DeviceDecision decision = choose_device(c.ranks);
    EXPECT_EQ(decision.device, c.device) << c.name;
    EXPECT_THAT(decision.reason, HasSubstr(c.reason)) << c.name;
  }
}

TEST(ChooseDevice, NamesEachNodeOnceInTheOrderOfRanks) {
  const DeviceDecision decision =
      choose_device({without("c"), with("a", "1"), with("a", "2"), without("b"), without("c")});

  EXPECT_THAT(decision.with, ElementsAre("a"));
  EXPECT_THAT(decision.without, ElementsAre("c", "b"));
  EXPECT_THAT(decision.reason, HasSubstr("not on nodes c, b"));
}

class OpenGpus : public testing::Test {
 protected:
  DeviceTaken open(comm::Communicator& world) const {
    return open_gpus(fixture::on_one_node(world), run_.dir(), 1, recipe_);
  }
  /// Why all of two ranks refuse.
  std::string refusal(Fault fault) const {
    std::string text;
    comm::run_ranks(2, [&](comm::Communicator& world) {
      const std::string words = fixture::error_of(fault, [&] { open(world); });
      if (world.is_root()) text = words;
    });
    return text;
  }
  void began_on(const char* device) const { run_.dir().event("device", {{"device", device}}); }

  fixture::TinyRun run_;
  recipe::Recipe recipe_;
  fixture::Variable node_{"SLURMD_NODENAME", "n3"}, job_{"SLURM_JOB_ID", {}}, module_{"PST_CUDA_MODULE", "/none.so"};
};

TEST_F(OpenGpus, AutoIsTheCpuWhereThereIsNoModuleAndTheEventSaysWhy) {
  comm::run_ranks(2, [&](comm::Communicator& world) {
    const DeviceTaken taken = open(world);
    EXPECT_FALSE(taken.gpu);
    EXPECT_THAT(taken.reason, AllOf(HasSubstr("n3: this installation has no code for GPUs"), HasSubstr("/none.so")));
  });

  EXPECT_EQ(run_.events("device"), 1u);
  const auto event = run_.last_event("device");
  EXPECT_EQ(event.at("device"), "cpu");
  EXPECT_EQ(event.at("attempt"), 1);
  EXPECT_THAT(event.at("reason").get<std::string>(), HasSubstr("no code for GPUs"));
  EXPECT_FALSE(rundir::read_unfit(run_.dir(), 1));
}

TEST_F(OpenGpus, WhatIsGivenIsTakenWithoutALook) {
  recipe_.train.device = recipe::DeviceChoice::cpu;
  comm::run_ranks(2, [&](comm::Communicator& world) { EXPECT_EQ(open(world).reason, "given"); });

  recipe_.train.device = recipe::DeviceChoice::cuda;
  EXPECT_THAT(refusal(Fault::usage), AllOf(HasSubstr("no code for GPUs"), testing::Not(HasSubstr("auto"))));
}

TEST_F(OpenGpus, AutoGoesOnWhereTheRunBegan) {
  began_on("cpu");
  EXPECT_THAT(open(*comm::solo()).reason, HasSubstr("the run began on CPUs"));

  began_on("cuda");  // the newest counts: `resume --set train.device=cuda` may have changed it
  EXPECT_THAT(refusal(Fault::usage), AllOf(HasSubstr("no code for GPUs"), HasSubstr("the run began on GPUs")));
}

TEST_F(OpenGpus, AutoWantsTheGpusThatTheJobAskedFor) {
  recipe_.slurm.gpus_per_node = 2;
  EXPECT_FALSE(open(*comm::solo()).gpu) << "not in a job";

  const fixture::TinyRun fresh;
  write_durably(fresh.dir().job_script(), "#!/bin/bash\n");
  const fixture::Variable job("SLURM_JOB_ID", "7");
  comm::run_ranks(2, [&](comm::Communicator& world) {
    EXPECT_THAT(
        fixture::error_of(Fault::usage, [&] { open_gpus(fixture::on_one_node(world), fresh.dir(), 1, recipe_); }),
        HasSubstr("the job asked for GPUs (slurm.gpus_per_node)"));
  });
}

TEST(DeviceBegunOn, KnowsNothingOfARunThatHasNotBegun) {
  EXPECT_FALSE(device_begun_on(rundir::RunDir("/nowhere/run-0000")));
}

}  // namespace
}  // namespace pst::app
