// SPDX-License-Identifier: Apache-2.0
#include "runs/next_recipe.hpp"

#include <algorithm>
#include <filesystem>

#include "checkpoint/store.hpp"
#include "core/digest.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "recipe/load.hpp"
#include "rundir/allowed_change.hpp"
#include "runs/job_script_for.hpp"
#include "runs/recipe_source.hpp"
#include "runs/run_plan.hpp"

namespace pst::runs {
namespace {

using recipe::Change;
using Keys = std::map<std::string, std::string>;

/// Whose training the run would go on with. Its bytes are compared later, by the worker; here a look is enough.
std::optional<checkpoint::Manifest> newest_manifest(const rundir::RunDir& run, const recipe::Checkpoint& settings) {
  if (settings.resume == "never") return std::nullopt;
  auto folders = checkpoint::list_folders(run.checkpoints());
  if (settings.resume != "auto") folders.insert(folders.begin(), settings.resume);  // the worker's last choice
  for (auto folder = folders.rbegin(); folder != folders.rend(); ++folder) {
    try {
      return checkpoint::read_manifest(*folder);
    } catch (const Error&) {
      // Damaged: the worker says so, and takes the one before.
    }
  }
  return std::nullopt;
}

std::vector<Change> changes_since(const checkpoint::Manifest& manifest, const recipe::Recipe& recipe) {
  Keys was = checkpoint::texts_in_state(manifest, "recipe"), is = recipe::keys_that_alter(recipe);
  if (recipe.train.precision == recipe::Precision::automatic)  // the checkpoint says what it came to on that machine
    was.erase("train.precision"), is.erase("train.precision");
  if (recipe.train.device == recipe::DeviceChoice::automatic)  // then the worker keeps the one it began on
    was.erase("train.device"), is.erase("train.device");
  return recipe::changes_between(was, is);
}

bool decides_the_data(const Change& change) {
  return change.key.starts_with("data.") || change.key.starts_with("model.");
}

[[noreturn]] void refuse(const checkpoint::Manifest& manifest, const std::vector<Change>& changes) {
  throw Error(Fault::usage,
              cat("the checkpoint of step ", manifest.step,
                  " was made with another recipe, and the result would be neither's: ", recipe::to_text(changes)),
              "put the values back, or accept it with --allow-change; or start a new run");
}

void refuse_another_name(const recipe::Recipe& was, const recipe::Recipe& is) {
  if (was.name == is.name && was.output_dir == is.output_dir) return;
  const bool name = was.name != is.name;
  throw Error(
      Fault::usage,
      cat(name ? "name" : "output_dir", " of a run cannot change when it is resumed: it is ",
          quoted(name ? was.name : was.output_dir), ", and was set to ", quoted(name ? is.name : is.output_dir)),
      "leave it as it was, or start a new run: peft-studio submit (or train) RECIPE");
}

[[noreturn]] void refuse_other_data(const std::string& was, const RunPlan& plan) {
  throw Error(Fault::data,
              cat("the run's prepared data are gone, and those made again from its recipe are others: the digest was ",
                  was, " and is ", plan.data.digest, ". A data file, the tokenizer or the template has changed since"),
              "put it back as it was; or accept the new data with --allow-change; or start a new run");
}

}  // namespace

bool has_prepared_data(const rundir::RunDir& run) {
  const fs::path store = run.read_record().store;
  std::error_code ignored;
  return store.empty() || fs::exists(store / "meta.json", ignored);
}

NextRecipe next_recipe(const rundir::RunDir& run, const RecipeChange& change, int ranks,
                       const data::Progress& reading) {
  const RecipeSource source{run.recipe().string(), change.overrides};
  const recipe::Recipe former = recipe::load(run.recipe());
  NextRecipe next{.recipe = check_recipe_and_model(source, ranks), .record = run.read_record()};
  refuse_another_name(former, next.recipe);
  next.effective = recipe::to_yaml(next.recipe);
  const std::string digest = pst::digest(next.effective);
  const bool by_hand = pst::digest(read_file(run.recipe())) != next.record.recipe_digest;  // an editor's work
  next.is_new = by_hand || digest != next.record.recipe_digest;

  const auto manifest = newest_manifest(run, next.recipe.checkpoint);
  const bool was_allowed = rundir::change_is_allowed(run, digest);
  const auto note = [&](const std::vector<Change>& changes) {
    if (changes.empty() || was_allowed) return;
    if (!change.allowed) refuse(*manifest, changes);
    next.to_allow.insert(next.to_allow.end(), changes.begin(), changes.end());
  };
  if (manifest) note(changes_since(*manifest, next.recipe));

  const bool is_gone = !has_prepared_data(run);
  if (!next.is_new && !is_gone) return next;
  const auto changes = recipe::changes_between(recipe::keys_that_alter(former), recipe::keys_that_alter(next.recipe));
  const bool are_others = by_hand || std::any_of(changes.begin(), changes.end(), decides_the_data);
  if (are_others || is_gone) {
    const auto prepared = [&] { return plan_run(source, ranks, reading); };
    const RunPlan plan =
        are_others ? prepared() : doing("making the run's prepared data again, which are gone", prepared);
    if (!are_others && !change.allowed && plan.data.digest != next.record.data_digest)
      refuse_other_data(next.record.data_digest, plan);
    const fs::path store = fs::absolute(plan.data.store).lexically_normal();
    next.is_new = next.is_new || next.record.data_digest != plan.data.digest || next.record.store != store;
    if (are_others) next.record.model_digest = plan.model_digest;
    next.record.data_digest = plan.data.digest;
    next.record.model_path = plan.recipe.model.path;
    next.record.store = store;
    if (manifest && manifest->data_digest != plan.data.digest)
      note({{"the prepared data", manifest->data_digest, plan.data.digest}});
    if (next.recipe.data.date != plan.recipe.data.date) {  // a template that reads the clock is new to the run
      next.recipe.data.date = plan.recipe.data.date;
      next.effective = recipe::to_yaml(next.recipe);
    }
  }
  next.record.recipe_digest = pst::digest(next.effective);
  return next;
}

void put_in_place(const rundir::RunDir& run, const NextRecipe& next) {
  if (next.is_new) {
    const bool same_site = recipe::load(run.recipe()).slurm.site == next.recipe.slurm.site;
    write_durably(run.recipe(), next.effective);
    std::error_code ignored;
    if (fs::exists(run.job_script(), ignored))
      write_job(run, next.recipe, same_site ? site_of(run) : site_for(next.recipe).site);
    run.write_record(next.record);
    run.event("recipe-changed", {{"recipe_digest", next.record.recipe_digest}});
  }
  if (!next.to_allow.empty()) rundir::allow_change(run, next.record.recipe_digest, recipe::to_text(next.to_allow));
}

}  // namespace pst::runs
