// SPDX-License-Identifier: Apache-2.0
#include "app/run_observer.hpp"

#include <gmock/gmock.h>

#include "app/this_machine.hpp"
#include "comm/local_communicator.hpp"
#include "support/tiny_spec.hpp"
#include "telemetry/line_tail.hpp"
#include "unit/app/tiny_run.hpp"

namespace pst::app {
namespace {

/// What the loop tells on two ranks.
class Observers : public testing::Test {
 protected:
  void observe(const recipe::Profile& profile, const std::function<void(train::Observer&, int rank)>& body) const {
    comm::run_ranks(2, [&](comm::Communicator& world) {
      const Ranks ranks = fixture::on_one_node(world);
      VitalSigns signs(run_.folder(), 1);
      Journal journal(run_.dir(), 1, ranks, {}, fixture::tiny_spec());
      Profiling profiling(profile, run_.dir(), 1, ranks);
      const app::Run run = read_run(run_.folder(), 1, world);
      RunObserver observer(run, world, signs, journal, profiling);
      body(observer, world.rank());
      world.barrier();
    });
  }
  fixture::TinyRun run_;
};

TEST_F(Observers, AFindingIsAnEventOfTheRunOnce) {
  observe({}, [](train::Observer& observer, int) {
    observer.on_finding(7, {recipe::GuardAction::rollback, "loss 9", "lower optimizer.lr"});
  });

  EXPECT_EQ(run_.events("guard"), 1u) << "of two ranks that found the same";
  const auto event = run_.last_event("guard");
  EXPECT_EQ(event["step"], 7);
  EXPECT_EQ(event["reason"], "loss 9");
  EXPECT_EQ(event["action"], "rollback");
  EXPECT_EQ(event["remedy"], "lower optimizer.lr");
}

TEST_F(Observers, AnEarlyStopIsAnEventOfTheRunOnce) {
  observe({}, [](train::Observer& observer, int) {
    train::TrainState state{.step = 70, .best = {.loss = 0.5, .step = 40, .misses = 3}};
    state.ended_early = "it no longer fell";
    observer.on_early_stop(state);
  });

  EXPECT_EQ(run_.events("stopped-early"), 1u);
  const auto event = run_.last_event("stopped-early");
  EXPECT_EQ(event["step"], 70);
  EXPECT_EQ(event["reason"], "it no longer fell");
  EXPECT_EQ(event["best_step"], 40);
  EXPECT_EQ(event["validation_loss"], 0.5);
}

TEST_F(Observers, StepsAndEvaluationsGoToTheJournal) {
  observe({}, [](train::Observer& observer, int) {
    observer.on_eval({.step = 0, .loss = 3});
    observer.on_step({.step = 1, .loss = 2});
  });

  const auto lines = telemetry::read_lines(run_.dir().node_log(1, host_name()));
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[1]["kind"], "eval");
  EXPECT_EQ(lines[1]["loss"], 3);
  EXPECT_EQ(lines[2]["kind"], "step");
  EXPECT_EQ(lines[2]["us"].size(), 2u);
}

TEST_F(Observers, TheProfileSaysWhichStepsAreTraced) {
  observe({.first_step = 2, .ranks = {1}}, [](train::Observer& observer, int rank) {
    EXPECT_EQ(observer.trace_of_step(1), nullptr);
    EXPECT_EQ(observer.trace_of_step(2) != nullptr, rank == 1);
    EXPECT_EQ(observer.trace_of_step(3), nullptr);
  });
}

}  // namespace
}  // namespace pst::app
