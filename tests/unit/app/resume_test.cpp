// SPDX-License-Identifier: Apache-2.0
#include "app/resume.hpp"

#include <gmock/gmock.h>

#include "comm/local_communicator.hpp"
#include "core/error.hpp"
#include "rundir/allowed_change.hpp"
#include "support/errors.hpp"
#include "unit/app/tiny_run.hpp"
#include "unit/checkpoint/a_run.hpp"

namespace pst::app {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;
using Keys = std::map<std::string, std::string>;

class Resume : public testing::Test {
 protected:
  /// A checkpoint of the first attempt, with values of its own.
  void save(std::int64_t step, const fs::path& folder) const {
    checkpoint::Manifest manifest;
    manifest.step = step;
    manifest.model_digest = record_.model_digest;
    manifest.data_digest = record_.data_digest;
    manifest.state = {{"train", to_json(train::TrainState{.step = step, .updates = step})}, {"recipe", keys_}};
    fixture::Ranks(folder, 2, fixture::small_state(static_cast<unsigned>(step)),
                   {.keep = {.newest = 100}, .may_commit = [] {}})
        .save(step, manifest);
  }
  void save(std::int64_t step) const { save(step, run_.dir().checkpoints()); }
  fs::path folder(std::int64_t step) const { return run_.dir().checkpoints() / checkpoint::folder_name(step); }
  void damage(std::int64_t step) const { fs::resize_file(folder(step) / checkpoint::rank_file(0), 100); }

  Resumer resumer(comm::Communicator& group, int attempt = 2) const {
    return {group, run_.dir(), record_, recipe_, keys_, attempt};
  }
  std::optional<train::TrainState> start() { return resumer(*solo_).start(tensors_.targets()); }
  void expect_values_of(std::int64_t step) const {
    EXPECT_EQ(tensors_.values, fixture::small_state(static_cast<unsigned>(step)).values);
  }

  fixture::TinyRun run_;
  rundir::RunRecord record_ = run_.dir().read_record();
  recipe::Recipe recipe_;
  Keys keys_ = {{"adapter.r", "16"}, {"train.seed", "42"}};
  fixture::RunState tensors_ = fixture::small_state().blank();
  std::unique_ptr<comm::Communicator> solo_ = comm::solo();
};

TEST_F(Resume, AFreshRunBeginsAtTheBeginning) {
  EXPECT_FALSE(start());
  EXPECT_EQ(run_.events("restored") + run_.events("started-over"), 0u);
}

TEST_F(Resume, TakesTheNewestCheckpoint) {
  save(3);
  save(6);

  const auto state = start();

  ASSERT_TRUE(state);
  EXPECT_EQ(state->step, 6);
  EXPECT_EQ(state->updates, 6);
  expect_values_of(6);
  const auto event = run_.last_event("restored");
  EXPECT_EQ(event["attempt"], 2);
  EXPECT_EQ(event["step"], 6);
  EXPECT_EQ(event["ranks_then"], 2);
  EXPECT_EQ(event["ranks_now"], 1);
}

TEST_F(Resume, PassesOverADamagedOneAndTellsWhy) {
  save(3);
  save(6);
  damage(6);

  testing::internal::CaptureStderr();
  const auto state = start();
  const std::string told = testing::internal::GetCapturedStderr();

  ASSERT_TRUE(state);
  EXPECT_EQ(state->step, 3);
  expect_values_of(3);
  EXPECT_EQ(run_.last_event("checkpoint-rejected")["folder"], checkpoint::folder_name(6));
  EXPECT_THAT(run_.last_event("checkpoint-rejected")["reason"].get<std::string>(), HasSubstr("rank-0.h5"));
  EXPECT_THAT(told, HasSubstr("is passed over"));
  EXPECT_TRUE(fs::exists(folder(6))) << "a person may want to look at it";
}

TEST_F(Resume, StartsOverWhenNoneIsValidAndSaysSo) {
  save(3);
  damage(3);

  testing::internal::CaptureStderr();
  EXPECT_FALSE(start());
  testing::internal::GetCapturedStderr();

  EXPECT_EQ(run_.events("started-over"), 1u);
}

TEST_F(Resume, NeverMeansNever) {
  save(3);
  recipe_.checkpoint.resume = "never";

  EXPECT_FALSE(start());
}

TEST_F(Resume, ACheckpointFromElsewhereIsTakenWhereTheRunHasNone) {
  const fixture::TemporaryDirectory elsewhere;
  save(5, elsewhere.path());
  recipe_.checkpoint.resume = (elsewhere.path() / checkpoint::folder_name(5)).string();
  EXPECT_EQ(start()->step, 5);

  save(7);
  EXPECT_EQ(start()->step, 7) << "its own comes first";
}

TEST_F(Resume, AChangedRecipeIsRefusedByTheNameOfItsKeys) {
  save(3);
  keys_["adapter.r"] = "8";

  const std::string report = fixture::error_of(Fault::usage, [&] { start(); });

  EXPECT_THAT(report, HasSubstr("adapter.r was 16 and is 8"));
  EXPECT_THAT(report, Not(HasSubstr("train.seed")));
  EXPECT_THAT(report, HasSubstr("--allow-change"));
  EXPECT_EQ(run_.events("restored"), 0u);
}

TEST_F(Resume, AChangeThatWasAllowedIsTakenForThatRecipeAlone) {
  save(3);
  keys_["adapter.r"] = "8";
  rundir::allow_change(run_.dir(), "another recipe", "adapter.r was 16 and is 8");
  fixture::error_of(Fault::usage, [&] { start(); });

  rundir::allow_change(run_.dir(), record_.recipe_digest, "adapter.r was 16 and is 8");

  EXPECT_EQ(start()->step, 3);
}

TEST_F(Resume, OtherDataCountAsAChange) {
  save(3);
  record_.data_digest = "d2";

  EXPECT_THAT(fixture::error_of(Fault::usage, [&] { start(); }), HasSubstr("the prepared data was d1 and is d2"));
}

TEST_F(Resume, AnotherModelIsRefusedWhateverIsAllowed) {
  save(3);
  rundir::allow_change(run_.dir(), record_.recipe_digest, "all");
  fixture::write_tiny_model(run_.model(), {.seed = 2, .vocab = fixture::kTinyTokens});

  EXPECT_THAT(fixture::error_of(Fault::usage, [&] { start(); }), HasSubstr("the files of the model"));
}

TEST_F(Resume, AManifestWithoutATrainingStateIsRefused) {
  save(3);
  auto manifest = checkpoint::read_manifest(folder(3));
  manifest.state.erase("train");
  write_durably(folder(3) / checkpoint::kManifestName, checkpoint::to_text(manifest));

  EXPECT_THAT(fixture::error_of(Fault::data, [&] { start(); }), HasSubstr("holds no training state"));
}

TEST_F(Resume, ALateCommitOfAnOlderAttemptIsShutOut) {
  make_directories(run_.dir().checkpoints() / (checkpoint::folder_name(9) + ".part-1"));

  start();

  EXPECT_FALSE(fs::exists(run_.dir().checkpoints() / (checkpoint::folder_name(9) + ".part-1")));
}

TEST_F(Resume, EveryRankReadsWhatRankZeroChose) {
  save(4);

  comm::run_ranks(3, [&](comm::Communicator& group) {
    fixture::RunState mine = fixture::small_state().blank();
    const auto state = resumer(group).start(mine.targets());
    ASSERT_TRUE(state);
    EXPECT_EQ(state->step, 4);
    EXPECT_EQ(mine.values, fixture::small_state(4).values);
  });
  EXPECT_EQ(run_.events("restored"), 1u);
}

TEST_F(Resume, EveryRankRefusesWhatRankZeroRefuses) {
  save(4);
  keys_["train.seed"] = "7";

  comm::run_ranks(2, [&](comm::Communicator& group) {
    fixture::RunState mine = fixture::small_state().blank();
    EXPECT_THAT(fixture::error_of(Fault::usage, [&] { resumer(group).start(mine.targets()); }),
                HasSubstr("train.seed was 42 and is 7"));
  });
}

TEST_F(Resume, ARollbackTakesTheNewestValidOneAgain) {
  save(2);
  save(4);
  damage(4);

  testing::internal::CaptureStderr();
  const train::TrainState state = resumer(*solo_).restore_newest(tensors_.targets());
  testing::internal::GetCapturedStderr();

  EXPECT_EQ(state.step, 2);
  expect_values_of(2);
  EXPECT_EQ(run_.events("checkpoint-rejected"), 1u);
}

TEST_F(Resume, ARollbackWithoutACheckpointIsAnErrorWithARemedy) {
  const std::string report =
      fixture::error_of(Fault::data, [&] { resumer(*solo_).restore_newest(tensors_.targets()); });

  EXPECT_THAT(report, HasSubstr("no valid checkpoint yet"));
  EXPECT_THAT(report, HasSubstr("guard.spike: skip"));
}

}  // namespace
}  // namespace pst::app
