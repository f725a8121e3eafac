// SPDX-License-Identifier: Apache-2.0
#include "runs/run_plan.hpp"

#include <algorithm>

#include "checkpoint/store.hpp"
#include "core/clock.hpp"
#include "core/digest.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "data/order.hpp"
#include "families/folder.hpp"
#include "families/peft_names.hpp"
#include "families/read_model.hpp"
#include "lowbit/quantise_folder.hpp"
#include "methods/biases.hpp"
#include "methods/data_starts.hpp"
#include "methods/loftq.hpp"
#include "methods/method.hpp"
#include "methods/start.hpp"
#include "recipe/expert_balance.hpp"
#include "recipe/linear_layers.hpp"
#include "recipe/load.hpp"
#include "recipe/peft_reading.hpp"
#include "runs/job_script_for.hpp"
#include "runs/plan_inputs.hpp"
#include "version/version.hpp"
#include "weights/model_digest.hpp"

namespace pst::runs {
namespace {

void check_quantization(const recipe::Quantization& wanted, const families::ModelSpec& config,
                        const std::vector<std::string>& layers) {
  lowbit::require_same_format(config.stored, wanted.format);
  for (const auto& ending : wanted.skip)
    if (ending != "lm_head" && std::none_of(layers.begin(), layers.end(), [&](const std::string& layer) {
          return lowbit::is_skipped(layer + ".weight", {ending});
        }))
      throw Error(Fault::usage, cat("model.quantization.skip names ", quoted(ending), ", which ends no layer's name"),
                  "names are those of `peft-studio model inspect`'s model, such as down_proj");
}

std::string count_of(std::int64_t count, const char* what) {
  return cat(grouped(count), " ", what, count == 1 ? "" : "s");
}

void check_with_model(const recipe::Recipe& recipe, int ranks, PlanMemory& memory) {
  recipe::check_ranks(recipe, ranks > 0 ? ranks : recipe.slurm.nodes * recipe.slurm.ranks_per_node);
  if (memory.checked_models.insert(recipe.model.path).second) families::check_model(recipe.model.path);
  check_fit(recipe, families::read_model(recipe.model.path), memory.coming_adapter);
}

/// The word `default` becomes names: what trains, and whoever reads the run's recipe, need not know PEFT's table.
void name_default_targets(methods::Targets& targets, const families::ModelSpec& model) {
  using Kind = methods::Targets::Kind;
  if (targets.kind != Kind::family_default) return;
  const auto names = families::peft_default_targets(model.model_type);
  targets = {.kind = Kind::names, .names = {names.begin(), names.end()}, .pattern = {}};
}

/// Everything that data::prepare looks at, and the output folder, where its store is.
std::string what_decides_the_data(const recipe::Recipe& recipe) {
  recipe::Recipe only{.name = "x",
                      .model = {.path = recipe.model.path, .tokenizer = recipe.model.tokenizer, .quantization = {}},
                      .data = recipe.data,
                      .output_dir = recipe.output_dir};
  only.train.seed = recipe.train.seed;
  return recipe::to_yaml(only);
}

}  // namespace

void check_fit(const recipe::Recipe& recipe, const families::ModelSpec& config, const fs::path& coming_adapter) {
  const std::int64_t virtual_rows = methods::virtual_rows(recipe.adapter), most = config.positions - virtual_rows;
  if (recipe.data.max_length > most)
    throw Error(Fault::usage,
                cat("data.max_length is ", recipe.data.max_length, ", and the model has ", config.positions,
                    " positions", virtual_rows > 0 ? cat(", of which the adapter takes ", virtual_rows) : ""),
                cat("set data.max_length to at most ", most));
  if (methods::is_whole_on_every_rank(recipe.adapter) && recipe.parallel.optimizer == recipe::OptimizerState::shard)
    throw Error(Fault::usage,
                cat("parallel.optimizer is shard, and adapter.type: ", recipe.adapter.method->name,
                    " looks at all trained values together"),
                "leave parallel.optimizer out");
  recipe::balance_factor(recipe.train, config);
  const auto places = recipe::places_of(config);
  methods::tensors_of(recipe.adapter, places);
  methods::require_biases(recipe.adapter, places);
  methods::check_loftq(recipe.adapter, recipe.model.quantization.format, config.stored);
  std::vector<std::string> names;
  for (const auto& layer : places.linears) names.push_back(layer.name);
  check_quantization(recipe.model.quantization, config, names);
  methods::check_data_start(recipe.adapter, recipe.model.quantization.format != weights::NumberFormat::none ||
                                                config.stored != weights::NumberFormat::none);
  if (const std::string& from = recipe.checkpoint.resume; from != "auto" && from != "never")
    doing("reading checkpoint.resume", [&] { checkpoint::open_valid(from); });
  if (recipe.adapter.init_from && fs::path(*recipe.adapter.init_from) != coming_adapter)
    methods::check_start(*recipe.adapter.init_from, recipe.adapter, places);
}

recipe::Recipe check_recipe_and_model(const RecipeSource& source, int ranks) {
  auto recipe = recipe::load(source.file, source.overrides);
  PlanMemory memory;
  check_with_model(recipe, ranks, memory);
  return recipe;
}

recipe::Recipe check_all(const RecipeSource& source, const data::Progress& reading) {
  auto recipe = check_recipe_and_model(source, 0);
  data::examine(recipe, reading);
  return recipe;
}

void check_one(const recipe::Recipe& recipe, PlanMemory& memory, const data::Progress& reading) {
  check_with_model(recipe, 0, memory);
  if (memory.examined_data.insert(what_decides_the_data(recipe)).second) data::examine(recipe, reading);
}

RunPlan plan_run(const RecipeSource& source, int ranks, const data::Progress& reading) {
  PlanMemory memory;
  return plan_recipe(recipe::load(source.file, source.overrides), ranks, memory, reading);
}

RunPlan plan_recipe(recipe::Recipe checked, int ranks, PlanMemory& memory, const data::Progress& reading) {
  RunPlan plan = {.recipe = std::move(checked)};
  const auto& recipe = plan.recipe;
  check_with_model(recipe, ranks, memory);
  const families::ModelSpec model = families::read_model(recipe.model.path);
  name_default_targets(plan.recipe.adapter.targeting.target_modules, model);
  plan.misread = recipe::misread_targets(recipe.adapter, model);
  plan.ranks = ranks > 0 ? ranks : recipe.slurm.nodes * recipe.slurm.ranks_per_node;
  auto& model_digest = memory.model_digests[recipe.model.path];
  if (model_digest.empty()) model_digest = weights::model_digest(recipe.model.path);
  plan.model_digest = model_digest;
  const std::string data_key = what_decides_the_data(recipe);
  if (memory.data.count(data_key) == 0) memory.data[data_key] = data::prepare(recipe, reading);
  plan.data = memory.data.at(data_key);
  const auto train = data::PreparedSet::open(plan.data.store, "train");
  if (train.largest_id() >= model.vocabulary)
    throw Error(Fault::data,
                cat(recipe.model.path, ": the tokenizer gave id ", train.largest_id(),
                    ", and the model's vocabulary ends at ", model.vocabulary - 1),
                "tokenizer.json and config.json there belong to different models: copy both from the same one");
  // The run keeps the day that its template wrote: made again on another, the data are the same.
  if (!plan.data.report.date.empty()) plan.recipe.data.date = plan.data.report.date;
  const data::DataOrder order(train, data::order_settings(recipe));
  plan.rows_per_epoch = order.rows_per_epoch();
  plan.rows_left = order.rows_left();
  plan.steps = recipe.train.max_steps.value_or(order.steps_in(recipe.train.epochs));
  return plan;
}

namespace {

/// What becomes of the rows that do not fill a step, where the run comes to the end of an epoch.
std::string remainder_of(const RunPlan& plan) {
  const std::int64_t size = plan.recipe.train.global_batch_size;
  if (plan.rows_left == 0 || plan.steps * size <= plan.rows_per_epoch - plan.rows_left) return {};
  const std::string rows = count_of(plan.rows_left, "row");
  const std::string last = plan.rows_left == 1 ? std::string("the last row") : cat("the last ", rows);
  const bool is_all = plan.rows_left == plan.rows_per_epoch;  // drop refuses such data
  switch (plan.recipe.data.remainder) {
    case recipe::Remainder::step:
      if (is_all)
        return cat("note: every step has all ", rows, " of an epoch, fewer than train.global_batch_size, ", size, "\n");
      return cat(
          "note: the last step of an epoch has ", rows, " instead of ", size,
          ", so that each of them weighs more than others do; data.remainder: carry or drop makes steps alike\n");
    case recipe::Remainder::carry:
      if (is_all) return cat("a step of ", size, " rows takes those of several epochs (data.remainder: carry)\n");
      return cat(last, " of an epoch go", plan.rows_left == 1 ? "es" : "",
                 " into the next one's first step (data.remainder: carry)\n");
    case recipe::Remainder::drop:
      return cat(last, " of each epoch ", plan.rows_left == 1 ? "is" : "are", " left out (data.remainder: drop)\n");
  }
  return {};
}

}  // namespace

std::vector<std::string> notes_of(const RunPlan& plan) {
  std::vector<std::string> notes;
  // A warm-up by its ratio is never as long as the run: optim::warmup_steps.
  const std::int64_t warmup = plan.recipe.scheduler.warmup_steps.value_or(0);
  if (warmup > 0 && plan.steps == 1)
    notes.push_back(
        "the run has one step, and scheduler.warmup_steps makes its learning rate 0: nothing will be learned; set "
        "scheduler.warmup_steps to 0, or train longer");
  else if (warmup > 0 && warmup >= plan.steps)
    notes.push_back(cat("the warm-up (scheduler.warmup_steps: ", grouped(warmup), ") is not shorter than the run (",
                        count_of(plan.steps, "step"), "): the learning rate never reaches optimizer.lr"));
  const methods::Adapter& adapter = plan.recipe.adapter;
  if (adapter.method->note_on_steps)
    if (std::string note = adapter.method->note_on_steps(adapter, plan.steps); !note.empty())
      notes.push_back(std::move(note));
  if (!plan.misread.empty())
    notes.push_back(cat("the adapter has ", join(plan.misread, ", "),
                        ", and for this family of models PEFT takes these names for the routed experts: it would read "
                        "the adapter wrongly; to load it with PEFT, target attention alone, such as "
                        "adapter.target_modules: [q_proj, k_proj, v_proj, o_proj]"));
  return notes;
}

std::string to_text(const RunPlan& plan) {
  const auto& recipe = plan.recipe;
  std::string text = plan.data.report.to_text();
  if (!text.ends_with("\n")) text += '\n';
  if (recipe.data.date && plan.data.report.date.empty())
    text += "note: data.date is not used: the chat template does not ask for the day\n";
  text += cat("steps: ", grouped(plan.steps), ", each of ", recipe.train.global_batch_size, " rows of up to ",
              recipe.data.max_length, " tokens; an epoch is ", count_of(plan.rows_per_epoch, "row"),
              recipe.data.packing ? ", packed\n" : "\n");
  text += remainder_of(plan);
  text += cat("ranks: ", plan.ranks, " (", count_of(recipe.slurm.nodes, "node"), ", ", recipe.slurm.ranks_per_node,
              " on each), micro batches of ", count_of(recipe.train.micro_batch_size, "row"), "\n");
  for (const auto& note : notes_of(plan)) text += cat("note: ", note, "\n");
  return text;
}

void fill_run(const rundir::RunDir& run, const RunPlan& plan, const RecipeSource& source,
              const std::function<void(const rundir::RunDir&)>& more) {
  const std::string effective = recipe::to_yaml(plan.recipe);
  write_durably(run.recipe(), effective);
  more(run);
  if (const auto planned = plan_json_for(plan.recipe, plan.data.store, site_facts(site_of(run), plan.recipe.slurm)))
    write_durably(run.root() / "plan.json", *planned);  // what report compares with
  const std::string folder = run.root().filename().string();
  run.write_record({.id = folder.substr(folder.rfind('-') + 1),
                    .name = plan.recipe.name,
                    .version = version(),
                    .created = iso_time(unix_seconds()),
                    .recipe_file = source.file,
                    .recipe_digest = digest(effective),
                    .model_digest = plan.model_digest,
                    .data_digest = plan.data.digest,
                    .model_path = plan.recipe.model.path,
                    .store = fs::absolute(plan.data.store).lexically_normal()});
}

rundir::RunDir make_run(const RunPlan& plan, const RecipeSource& source,
                        const std::function<void(const rundir::RunDir&)>& more) {
  const auto run = rundir::RunDir::create(plan.recipe.output_dir, plan.recipe.name);
  try {
    fill_run(run, plan, source, more);
  } catch (Error& error) {
    std::error_code ignored;
    fs::remove_all(run.root(), ignored);  // made a moment ago; holds nothing of anybody's
    error.add_context(cat("making the run directory ", run.root().string()));
    throw;
  }
  return run;
}

}  // namespace pst::runs
