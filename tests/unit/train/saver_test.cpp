// SPDX-License-Identifier: Apache-2.0
#include "train/saver.hpp"

#include <gmock/gmock.h>

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <fstream>
#include <mutex>
#include <thread>

#include "checkpoint/interval.hpp"
#include "comm/local_communicator.hpp"
#include "core/digest.hpp"
#include "core/error.hpp"
#include "support/errors.hpp"
#include "unit/checkpoint/a_run.hpp"

namespace pst::train {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A disk that takes its time: commits wait until it is opened.
class Gate {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

/// One rank that trains nothing, but saves.
struct Saving {
  Saving(comm::Communicator& group, const fs::path& checkpoints, SavePolicy policy, SaverHooks more = {})
      : saver(group, checkpoints, /*generation=*/1, tensors.targets(), /*division=*/{}, std::move(policy),
              {.version = "1", .recipe = {{"adapter.r", "4"}}}, hooks(std::move(more))) {}

  SaverHooks hooks(SaverHooks more) {
    more.stop_signal = [this] { return signal; };
    more.replica = [this] { return digest(std::as_bytes(std::span(tensors.values[0]))); };
    more.event = [this](const std::string& kind, ordered_json details) {
      const std::lock_guard lock(mutex);  // the writer's thread tells of what is whole
      told.push_back(kind);
      details_of[kind] = std::move(details);
    };
    if (!more.may_commit) more.may_commit = [] {};
    return more;
  }
  void edge(std::int64_t step) { edge(TrainState{.step = step}); }
  void edge(const TrainState& state) { saver.edge(state); }
  /// An edge, and whatever it began is brought to its end.
  void save(std::int64_t step) {
    edge(step);
    saver.settle();
  }

  fixture::RunState tensors = fixture::small_state();
  int signal = 0;
  std::vector<std::string> events() {
    const std::lock_guard lock(mutex);
    return told;
  }
  std::mutex mutex;
  std::vector<std::string> told;
  std::map<std::string, ordered_json> details_of;
  Saver saver;
};

class Savers : public testing::Test {
 protected:
  std::vector<std::int64_t> saved() const {
    std::vector<std::int64_t> steps;
    for (const auto& folder : checkpoint::list_folders(folder_)) steps.push_back(*checkpoint::step_of(folder));
    return steps;
  }
  checkpoint::Manifest manifest(std::int64_t step) const {
    return checkpoint::read_manifest(folder_ / checkpoint::folder_name(step));
  }

  fixture::TemporaryDirectory dir_;
  fs::path folder_ = dir_.path() / "checkpoints";
  std::unique_ptr<comm::Communicator> solo_ = comm::solo();
  const checkpoint::Keep all_{.newest = 100};
};

TEST_F(Savers, SavesAfterEverySoManyStepsAndAtTheEnd) {
  Saving run(*solo_, folder_, {.every_steps = 3, .keep = all_});

  for (int step = 0; step < 7; ++step) run.save(step);
  run.saver.finish(TrainState{.step = 7, .updates = 6, .last_loss = 0.1});

  EXPECT_THAT(saved(), ElementsAre(3, 6, 7));
  const auto last = manifest(7);
  EXPECT_EQ(last.generation, 1);
  EXPECT_EQ(last.state["recipe"]["adapter.r"], "4");
  EXPECT_EQ(state_from(last.state["train"], "it").updates, 6);
  auto read = run.tensors.blank();
  checkpoint::load(checkpoint::open_valid(folder_ / checkpoint::folder_name(7)), read.targets());
  EXPECT_EQ(read.values, run.tensors.values);
}

TEST_F(Savers, OnItsOwnSavesFirstToLearnTheCost) {
  Saving run(*solo_, folder_, {.mtbf_s = 1e12, .keep = all_});

  run.save(0);
  EXPECT_THAT(saved(), IsEmpty()) << "before the first step there is nothing to save";
  run.save(1);
  for (int step = 2; step < 6; ++step) run.save(step);

  EXPECT_THAT(saved(), ElementsAre(1));
  EXPECT_THAT(run.events(), ElementsAre("checkpoint", "checkpoint-interval"));
  const auto& first = run.details_of["checkpoint"];
  const checkpoint::Cost cost{.stall_s = first["stall_s"],
                              .behind_s = first["write_s"].get<double>() + first["commit_s"].get<double>()};
  EXPECT_DOUBLE_EQ(run.details_of["checkpoint-interval"]["seconds"].get<double>(),
                   checkpoint::save_interval(cost, 1e12));
  EXPECT_THAT(run.details_of["checkpoint-interval"]["reason"].get<std::string>(), HasSubstr("0.5 % of the time"));
}

TEST_F(Savers, ASlowDiskPostponesWhatTheClockAsksFor) {
  Gate disk;
  Saving run(*solo_, folder_, {.every_s = 0, .keep = all_}, {.may_commit = [&] { disk.pass(); }});

  for (int step = 1; step < 50; ++step) run.edge(step);  // returns although the disk does not
  EXPECT_THAT(saved(), IsEmpty());
  disk.open();
  run.saver.settle();

  EXPECT_THAT(saved(), ElementsAre(1));
  run.save(50);
  EXPECT_THAT(saved(), ElementsAre(1, 50)) << "none of those that were due meanwhile";
}

TEST_F(Savers, AnIntervalIsNotAskedForWhileItsCostIsBeingMeasured) {
  Gate disk;
  Saving run(*solo_, folder_, {.mtbf_s = 1e12, .keep = all_}, {.may_commit = [&] { disk.pass(); }});

  for (int step = 1; step < 5; ++step) run.edge(step);
  disk.open();
  run.saver.settle();
  run.save(5);

  EXPECT_THAT(saved(), ElementsAre(1));
}

TEST_F(Savers, TheEdgeThatSeesTheFirstOneWholeAsksForNoSecond) {
  Saving run(*solo_, folder_, {.mtbf_s = 1e12, .keep = all_});

  std::int64_t step = 1;
  for (; run.events().empty() && step < 10000; ++step) {
    run.edge(step);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  run.save(step);

  EXPECT_THAT(saved(), ElementsAre(1));
}

TEST_F(Savers, ACheckpointIsWholeInTheMiddleOfAStep) {
  comm::run_ranks(3, [&](comm::Communicator& group) {
    Saving run(group, folder_, {.every_steps = 2, .keep = all_});
    run.edge(2);  // and now the step goes on for as long as it takes
    for (int i = 0; i < 2000 && (saved().empty() || run.events().empty() == group.is_root()); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_THAT(saved(), ElementsAre(2));
    EXPECT_EQ(run.events().empty(), !group.is_root()) << "it is told at once, too";
    group.barrier();
    run.edge(3);
  });
}

TEST_F(Savers, StepsAndClockMayBothAsk) {
  Saving run(*solo_, folder_, {.every_steps = 1000, .every_s = 0, .keep = all_});

  run.save(1);

  EXPECT_THAT(saved(), ElementsAre(1));
}

TEST_F(Savers, ASlowDiskHoldsUpWhatTheRecipeAsksForByStep) {
  Gate disk;
  int waits = 0;
  Saving run(*solo_, folder_, {.every_steps = 1, .keep = all_},
             {.may_commit = [&] { disk.pass(); },
              .saving =
                  [&] {
                    ++waits;
                    disk.open();
                  }});

  run.edge(1);
  EXPECT_EQ(waits, 0);
  run.edge(2);

  EXPECT_GT(waits, 0);
  EXPECT_THAT(saved(), ElementsAre(1)) << "whole before the next one took the buffer";
}

TEST_F(Savers, NoStepCountsBeyondACheckpointThatIsNotWhole) {
  Gate disk;
  Saving run(*solo_, folder_, {.every_steps = 2, .keep = all_},
             {.may_commit = [&] { disk.pass(); }, .saving = [&] { disk.open(); }});
  run.edge(2);

  EXPECT_EQ(run.saver.make_room(3), 0) << "nothing is due after step 3";
  EXPECT_THAT(saved(), IsEmpty());
  run.saver.make_room(4);

  EXPECT_THAT(saved(), ElementsAre(2));
}

TEST_F(Savers, AFailingDiskDoesNotEndTheTraining) {
  std::ofstream(folder_) << "a file where the folder should be";
  Saving run(*solo_, folder_, {.every_steps = 1, .keep = all_});

  run.save(1);
  EXPECT_THAT(run.events(), ElementsAre("checkpoint-failed"));
  const auto& failure = run.details_of["checkpoint-failed"];
  EXPECT_EQ(failure["step"], 1);
  EXPECT_THAT(failure["reason"].get<std::string>(), HasSubstr(folder_.string()));

  fs::remove(folder_), run.save(2);  // somebody repaired it
  EXPECT_THAT(saved(), ElementsAre(2));
}

TEST_F(Savers, WhatFailedIsClearedAwayBeforeTheNextOne) {
  std::ofstream(folder_) << "a file where the folder should be";
  Saving run(*solo_, folder_, {.every_steps = 1, .keep = all_});

  for (int step = 1; step <= 200; ++step) run.save(step);

  EXPECT_EQ(run.events().size(), 200u);
}

TEST_F(Savers, ANewerAttemptKeepsAnOlderOneFromCommitting) {
  Saving run(*solo_, folder_, {.every_steps = 1, .keep = all_},
             {.may_commit = [] { throw Error(Fault::transient, "attempt 2 has begun"); }});

  run.save(1);

  EXPECT_THAT(saved(), IsEmpty());
  EXPECT_THAT(run.details_of["checkpoint-failed"]["reason"].get<std::string>(), HasSubstr("attempt 2 has begun"));
}

TEST_F(Savers, GivesUpWhenTooMuchWorkIsAtRisk) {
  std::ofstream(folder_) << "a file where the folder should be";
  Saving run(*solo_, folder_, {.every_steps = 1, .give_up_s = 1e-9, .keep = all_});
  run.edge(0);
  run.save(1);

  EXPECT_THAT(fixture::error_of(Fault::io, [&] { run.edge(2); }), HasSubstr("checkpoint.max_loss_minutes"));
}

TEST_F(Savers, OneRankThatIsAskedToStopStopsAllWithTheStateSaved) {
  comm::run_ranks(3, [&](comm::Communicator& group) {
    Saving run(group, folder_, {.every_steps = 100, .keep = all_});
    run.edge(1);
    if (group.rank() == 2) run.signal = SIGTERM;
    EXPECT_THAT(fixture::error_of(Fault::stopped, [&] { run.edge(2); }), HasSubstr("after step 2, which is saved"));
  });

  EXPECT_THAT(saved(), ElementsAre(2));
  EXPECT_EQ(manifest(2).ranks, 3);
}

TEST_F(Savers, StopsThoughNothingCanBeSaved) {
  std::ofstream(folder_) << "a file where the folder should be";
  Saving run(*solo_, folder_, {.every_steps = 100});
  run.signal = SIGUSR2;
  EXPECT_THAT(fixture::error_of(Fault::stopped, [&] { run.edge(4); }), HasSubstr("saving it failed"));

  Saving never(*solo_, dir_.path() / "other", {.never = true});
  never.edge(1);
  never.signal = SIGTERM;
  EXPECT_THAT(fixture::error_of(Fault::stopped, [&] { never.edge(2); }), HasSubstr("checkpoint.enabled"));
  EXPECT_FALSE(fs::exists(dir_.path() / "other"));
}

TEST_F(Savers, ReplicasThatDifferAreFoundAndNotCommitted) {
  comm::run_ranks(3, [&](comm::Communicator& group) {
    Saving run(group, folder_, {.every_steps = 1, .keep = all_});
    if (group.rank() == 1) run.tensors.values[0][5] += 1;
    run.edge(1);
    EXPECT_THAT(fixture::error_of(Fault::unfit, [&] { run.edge(2); }), HasSubstr("parameters of rank 1 differ"));
  });

  EXPECT_THAT(saved(), IsEmpty());
}

TEST_F(Savers, RanksThatAgreeSaveTogether) {
  comm::run_ranks(4, [&](comm::Communicator& group) {
    Saving run(group, folder_, {.every_steps = 2, .keep = all_});
    for (int step = 0; step < 5; ++step) run.save(step);
    EXPECT_EQ(run.events().empty(), !group.is_root());
  });

  EXPECT_THAT(saved(), ElementsAre(2, 4));
  EXPECT_TRUE(checkpoint::problems_of(folder_ / checkpoint::folder_name(4), checkpoint::Check::digests).empty());
}

TEST_F(Savers, OneRankThatCannotWriteFailsTheCheckpointOnAll) {
  comm::run_ranks(2, [&](comm::Communicator& group) {
    const fs::path own = group.rank() == 1 ? dir_.path() / "file" : folder_;
    if (group.rank() == 1) std::ofstream(own) << "a file where the folder should be";
    Saving run(group, own, {.every_steps = 1, .keep = all_});
    run.save(1);
    EXPECT_EQ(run.events().empty(), group.is_root()) << "the rank that failed tells";
  });

  EXPECT_THAT(saved(), IsEmpty());
}

/// The writer's disk work waits until it is opened.
class SlowDisk final : public trace::Sink {
 public:
  void entered(const trace::Label& label) noexcept override {
    if (std::string_view(label.name) == "checksums") gate.pass();
  }
  void left(const trace::Span&) noexcept override {}
  Gate gate;
};

TEST_F(Savers, ARankThatStillWritesIsWaitedForWhenAnotherHasFailed) {
  comm::run_ranks(2, [&](comm::Communicator& group) {
    const fs::path own = group.rank() == 1 ? dir_.path() / "file" : folder_;
    if (group.rank() == 1) std::ofstream(own) << "a file where the folder should be";
    SlowDisk disk;
    if (group.rank() == 1) disk.gate.open();
    Saving run(group, own, {.every_steps = 1, .keep = all_}, {.trace = &disk});
    const std::unique_ptr<Gate, void (*)(Gate*)> opened_at_the_end(&disk.gate, [](Gate* gate) { gate->open(); });
    run.edge(1);
    for (int again = 0; again < 50; ++again) {
      run.edge(1);
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    EXPECT_THAT(run.events(), IsEmpty()) << "rank 0 still writes";
    disk.gate.open();
    run.saver.settle();
    EXPECT_EQ(run.events().empty(), group.is_root()) << "the rank that failed tells";
  });

  EXPECT_THAT(saved(), IsEmpty());
}

TEST_F(Savers, BestAndMilestonesStay) {
  Saving run(*solo_, folder_, {.every_steps = 1, .milestone_every = 4, .keep = {.newest = 1}});
  std::optional<double> best;
  for (int step = 1; step <= 7; ++step) {
    const double loss = step == 2 ? 0.5 : 1.0;
    best = std::min(loss, best.value_or(loss));
    run.edge({.step = step, .validation_after = loss, .evaluated_at = step, .validation_best = best});
    run.saver.settle();
  }

  EXPECT_THAT(saved(), ElementsAre(2, 4, 7));
  EXPECT_EQ(manifest(2).validation_loss, 0.5);
  EXPECT_TRUE(manifest(4).milestone);
  EXPECT_FALSE(manifest(7).milestone);
}

TEST_F(Savers, TheBestIsSavedWhenItIsReached) {
  Saving run(*solo_, folder_, {.every_steps = 100, .keep = all_});

  run.edge({.step = 3, .validation_after = 0.5, .evaluated_at = 3, .validation_best = 0.5});
  run.saver.settle();
  run.edge({.step = 4, .validation_after = 0.5, .evaluated_at = 3, .validation_best = 0.5});
  run.edge({.step = 6, .validation_after = 0.7, .evaluated_at = 6, .validation_best = 0.5});
  run.saver.settle();

  EXPECT_THAT(saved(), ElementsAre(3));
}

TEST_F(Savers, WhatWasRestoredIsNotSavedAgain) {
  Saving run(*solo_, folder_, {.every_steps = 2, .keep = all_});
  run.saver.restored(4);

  run.save(4);
  run.save(6);

  EXPECT_THAT(saved(), ElementsAre(6));
}

}  // namespace
}  // namespace pst::train
