#include "cli/run_plan.hpp"

#include <algorithm>
#include <sstream>

#include "cli/version.hpp"
#include "core/clock.hpp"
#include "core/digest.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "data/order.hpp"
#include "data/prepare.hpp"
#include "recipe/load.hpp"
#include "weights/model_config.hpp"

namespace pst::cli {
namespace {

SplitCounts count(const data::PreparedSet& set) {
  SplitCounts counts = {.examples = static_cast<std::int64_t>(set.size()), .tokens = set.tokens()};
  for (std::size_t i = 0; i < set.size(); ++i) counts.labelled_tokens += set.labelled_tokens(i);
  return counts;
}

std::int64_t steps_of(const recipe::Recipe& recipe, const data::DataOrder& order) {
  const std::int64_t by_epochs = order.steps_in(recipe.train.epochs);
  return recipe.train.max_steps.value_or(by_epochs);
}

std::string line(const char* name, const std::string& text) {
  return cat(name, std::string(13 - std::string_view(name).size(), ' '), text, '\n');
}

std::string split_text(const SplitCounts& counts) {
  return cat(grouped(counts.examples), " examples, ", grouped(counts.tokens), " tokens, ",
             grouped(counts.labelled_tokens), " labelled");
}

}  // namespace

recipe::Recipe check_recipe(const RecipeArguments& arguments) {
  return recipe::load(arguments.file, arguments.overrides);
}

RunPlan plan_run(const RecipeArguments& arguments, int ranks) {
  RunPlan plan = {.recipe = check_recipe(arguments)};
  const auto& recipe = plan.recipe;
  plan.ranks = ranks > 0 ? ranks : recipe.slurm.nodes * recipe.slurm.ranks_per_node;
  recipe::check_ranks(recipe, plan.ranks);
  weights::check_model(recipe.model.path);
  plan.model_digest = weights::model_digest(recipe.model.path);

  const auto prepared = data::prepare(recipe);
  plan.data.store = std::filesystem::absolute(prepared.store).lexically_normal();
  plan.data.digest = prepared.digest;
  plan.data.notes = data::to_text(prepared);
  const auto train = data::PreparedSet::open(plan.data.store, "train");
  plan.data.train = count(train);
  plan.data.validation = count(data::PreparedSet::open(plan.data.store, "validation"));
  const data::DataOrder order(train, {.packing = recipe.data.packing,
                                      .shuffle = recipe.data.shuffle,
                                      .max_length = recipe.data.max_length,
                                      .global_batch_size = recipe.train.global_batch_size,
                                      .seed = recipe.train.seed});
  plan.rows_per_epoch = order.rows_per_epoch();
  plan.steps = steps_of(recipe, order);
  return plan;
}

std::string to_text(const DataPlan& data) {
  std::string text = line("train", split_text(data.train)) + line("validation", split_text(data.validation));
  if (!data.notes.empty()) text += data.notes + (data.notes.back() == '\n' ? "" : "\n");
  return text;
}

std::string to_text(const RunPlan& plan) {
  const auto& recipe = plan.recipe;
  const auto& train = recipe.train;
  return line("recipe", recipe.name) + line("model", recipe.model.path) + to_text(plan.data) +
         line("steps",
              cat(grouped(plan.steps), " of ", train.global_batch_size, " rows; an epoch is ",
                  grouped(plan.rows_per_epoch), recipe.data.packing ? " packed rows of up to " : " rows of up to ",
                  recipe.data.max_length, " tokens")) +
         line("ranks", cat(plan.ranks, " (", recipe.slurm.nodes, recipe.slurm.nodes == 1 ? " node x " : " nodes x ",
                           recipe.slurm.ranks_per_node, "), micro batches of ", train.micro_batch_size));
}

rundir::RunDir make_run(const RunPlan& plan, const RecipeArguments& arguments,
                        const std::function<void(const rundir::RunDir&)>& more) {
  const auto run = rundir::RunDir::create(plan.recipe.output_dir, plan.recipe.name);
  try {
    const std::string effective = recipe::to_yaml(plan.recipe);
    write_durably(run.recipe(), effective);
    more(run);
    const std::string folder = run.root().filename().string();
    run.write_record({.id = folder.substr(folder.rfind('-') + 1),
                      .name = plan.recipe.name,
                      .version = version(),
                      .created = iso_time(unix_seconds()),
                      .recipe_file = arguments.file,
                      .recipe_digest = digest(effective),
                      .model_digest = plan.model_digest,
                      .data_digest = plan.data.digest,
                      .model_path = plan.recipe.model.path,
                      .store = plan.data.store});
  } catch (Error& error) {
    std::error_code ignored;
    std::filesystem::remove_all(run.root(), ignored);  // made a moment ago; holds nothing of anybody's
    error.add_context(cat("making the run directory ", run.root().string()));
    throw;
  }
  return run;
}

}  // namespace pst::cli
