// SPDX-License-Identifier: Apache-2.0
#include "runs/next_recipe.hpp"

#include <gmock/gmock.h>

#include <fstream>

#include "core/digest.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "recipe/load.hpp"
#include "rundir/allowed_change.hpp"
#include "runs/run_plan.hpp"
#include "support/errors.hpp"
#include "support/tiny_model.hpp"
#include "unit/checkpoint/a_run.hpp"

namespace pst::runs {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// A run that has a checkpoint, made with the recipe as it was.
class NextRecipes : public testing::Test {
 protected:
  void SetUp() override {
    fixture::write_tiny_model(dir_.path() / "model");
    std::ofstream chats(dir_.path() / "chats.jsonl");
    for (int i = 0; i < 12; ++i)
      chats << R"({"messages": [{"role": "user", "content": ")" << i
            << R"("}, {"role": "assistant", "content": "yes"}]})" << '\n';
    chats.close();
    const std::string recipe =
        cat("name: demo\noutput_dir: ", dir_.path().string(), "/runs\nmodel: {path: ", dir_.path().string(),
            "/model}\ndata: {train: [{path: ", dir_.path().string(), "/chats.jsonl}], max_length: 64}\n");
    write_durably(dir_.path() / "recipe.yaml", recipe);
    const RecipeSource arguments{(dir_.path() / "recipe.yaml").string(), {}};
    run_ = make_run(plan_run(arguments), arguments);
    save(10);
  }
  void save(int step) const {
    auto keys = recipe::keys_that_alter(recipe::load(run_.recipe()));
    keys["train.precision"] = "fp32";  // what `auto` came to
    checkpoint::Manifest manifest;
    manifest.data_digest = run_.read_record().data_digest;
    manifest.state = {{"recipe", keys}};
    const auto state = fixture::small_state();
    ASSERT_EQ(fixture::Ranks(run_.checkpoints(), 1, state).save(step, manifest).phase,
              checkpoint::Writer::Phase::committed);
  }
  NextRecipe next(std::vector<std::string> overrides, bool allowed = false) const {
    return next_recipe(run_, {std::move(overrides), allowed}, 1);
  }
  std::string refusal(std::vector<std::string> overrides) const {
    return fixture::error_of(Fault::usage, [&] { next(std::move(overrides)); });
  }
  std::map<std::string, std::string> files() const {
    std::map<std::string, std::string> all;
    for (const auto& entry : fs::recursive_directory_iterator(run_.root()))
      if (entry.is_regular_file()) all[entry.path().string()] = read_file(entry.path());
    return all;
  }

  fixture::TemporaryDirectory dir_;
  rundir::RunDir run_{fs::path()};
};

TEST_F(NextRecipes, WithoutAChangeNothingIsWritten) {
  const auto before = files();

  const NextRecipe same = next({});
  put_in_place(run_, same);

  EXPECT_FALSE(same.is_new);
  EXPECT_EQ(files(), before);
}

TEST_F(NextRecipes, AHarmlessKeyIsPutInPlace) {
  write_durably(run_.job_script(), "the former script");

  put_in_place(run_, next({"checkpoint.keep=7", "slurm.time=00:20:00"}));

  EXPECT_EQ(recipe::load(run_.recipe()).checkpoint.keep, 7);
  EXPECT_EQ(run_.read_record().recipe_digest, digest(read_file(run_.recipe())));
  EXPECT_THAT(read_file(run_.job_script()), HasSubstr("00:20:00"));
  EXPECT_FALSE(next({}).is_new);
}

TEST_F(NextRecipes, AKeyThatAltersIsRefusedByName) {
  const auto before = files();

  EXPECT_THAT(refusal({"adapter.r=4", "train.seed=7"}),
              HasSubstr("adapter.r was 16 and is 4; train.seed was 42 and is 7"));
  EXPECT_THAT(refusal({"adapter.r=4"}), HasSubstr("checkpoint of step 10"));
  EXPECT_THAT(refusal({"name=other"}), HasSubstr("name of a run cannot change"));
  EXPECT_THAT(refusal({"adapter.q=4"}), HasSubstr("adapter.q"));
  EXPECT_EQ(files(), before);
}

TEST_F(NextRecipes, WhatIsAllowedIsRememberedForThatRecipeOnly) {
  put_in_place(run_, next({"optimizer.lr=0.5"}, /*allowed=*/true));

  const auto events = run_.read_events();
  EXPECT_EQ(events.back()["event"], "change-allowed");
  EXPECT_THAT(events.back()["changes"].get<std::string>(), HasSubstr("optimizer.lr was"));
  EXPECT_TRUE(rundir::change_is_allowed(run_, run_.read_record().recipe_digest));
  EXPECT_THAT(next({}).to_allow, IsEmpty()) << "asked for once";
  EXPECT_THAT(refusal({"optimizer.lr=0.25"}), HasSubstr("optimizer.lr"));
}

TEST_F(NextRecipes, AutomaticPrecisionIsNoChange) {
  EXPECT_FALSE(next({}).is_new);
  EXPECT_THAT(refusal({"train.precision=bf16"}), HasSubstr("train.precision was fp32 and is bf16"));
  EXPECT_THAT(next({"train.precision=fp32"}).to_allow, IsEmpty());
}

TEST_F(NextRecipes, OtherDataIsPreparedAnew) {
  const auto before = run_.read_record();

  put_in_place(run_, next({"data.validation_fraction=0.5"}, /*allowed=*/true));

  const auto after = run_.read_record();
  EXPECT_NE(after.data_digest, before.data_digest);
  EXPECT_NE(after.store, before.store);
  EXPECT_TRUE(fs::exists(after.store));
}

TEST_F(NextRecipes, PreparedDataThatAreGoneAreMadeAgain) {
  const auto before = run_.read_record();
  EXPECT_TRUE(has_prepared_data(run_));
  fs::remove_all(before.store.parent_path());
  EXPECT_FALSE(has_prepared_data(run_));

  const NextRecipe same = next({});

  EXPECT_FALSE(same.is_new);
  EXPECT_TRUE(has_prepared_data(run_));
  EXPECT_EQ(same.record.data_digest, before.data_digest);
}

TEST_F(NextRecipes, OtherDataThanTheRunHadAreNotMadeAgainUnasked) {
  const auto before = run_.read_record();
  fs::remove_all(before.store.parent_path());
  std::ofstream(dir_.path() / "chats.jsonl", std::ios::app)
      << R"({"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "no"}]})" << '\n';

  EXPECT_THAT(fixture::error_of(Fault::data, [&] { next({}); }),
              testing::AllOf(HasSubstr("the run's prepared data are gone, and those made again"),
                             HasSubstr(before.data_digest), HasSubstr("--allow-change")));
  put_in_place(run_, next({}, /*allowed=*/true));
  EXPECT_NE(run_.read_record().data_digest, before.data_digest);
  EXPECT_TRUE(has_prepared_data(run_));
}

TEST_F(NextRecipes, AnEditorsWorkCountsAsAChange) {
  const std::string text = read_file(run_.recipe());
  const auto at = text.find("seed: 42");
  ASSERT_NE(at, std::string::npos);
  write_durably(run_.recipe(), std::string(text).replace(at, 8, "seed: 43"));

  EXPECT_THAT(refusal({}), HasSubstr("train.seed was 42 and is 43"));
  put_in_place(run_, next({"train.seed=42"}));
  EXPECT_EQ(read_file(run_.recipe()), text);
}

TEST_F(NextRecipes, TheNewestReadableCheckpointDecides) {
  put_in_place(run_, next({"train.seed=7"}, /*allowed=*/true));
  save(20);
  EXPECT_THAT(refusal({"train.seed=42"}), HasSubstr("checkpoint of step 20"));

  write_durably(run_.checkpoints() / checkpoint::folder_name(20) / checkpoint::kManifestName, "damaged");
  EXPECT_THAT(next({"train.seed=42"}).to_allow, IsEmpty()) << "step 10 was made with it";
}

TEST_F(NextRecipes, WhatStartsOverMayChangeAnything) {
  EXPECT_THAT(next({"adapter.r=4", "checkpoint.resume=never"}).to_allow, IsEmpty());

  fs::remove_all(run_.checkpoints());
  EXPECT_TRUE(next({"adapter.r=4"}).is_new);
}

}  // namespace
}  // namespace pst::runs
