// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <optional>

#include "cli/verb.hpp"
#include "console/live_line.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/printable.hpp"
#include "core/strings.hpp"
#include "recipe/load.hpp"
#include "runs/gpus_of_job.hpp"
#include "runs/job_script_for.hpp"
#include "runs/plan_inputs.hpp"
#include "runs/recipe_source.hpp"
#include "runs/run_plan.hpp"
#include "weights/vocabulary_files.hpp"

namespace pst::cli {
namespace {

struct PlanArguments {
  runs::RecipeSource recipe;
  std::string machine;
  std::vector<int> nodes;
  std::optional<double> node_mtbf_hours;
  bool json = false;
};

/// The recipe and its prepared data; without a tokenizer there is none.
std::pair<recipe::Recipe, fs::path> load(const runs::RecipeSource& arguments) {
  const auto recipe = recipe::load(arguments.file, arguments.overrides);
  if (!weights::vocabulary_files(recipe.model.path).empty()) {
    const runs::RunPlan plan = runs::plan_run(arguments, 0, console::ReadingLine().progress());
    return {plan.recipe, plan.data.store};
  }
  recipe::check_ranks(recipe, recipe.slurm.nodes * recipe.slurm.ranks_per_node);
  return {recipe, {}};
}

int plan_of(const PlanArguments& arguments) {
  const plan::Machine machine = runs::find_machine_or_this(arguments.machine);
  const auto [recipe, store] = load(arguments.recipe);
  plan::Inputs in = runs::plan_inputs(recipe, store, machine);
  in.site = runs::site_facts(runs::site_for(recipe).site, recipe.slurm);
  if (arguments.node_mtbf_hours) in.site.node_mtbf_hours = arguments.node_mtbf_hours;
  const plan::Report report = plan::make_report(in, arguments.nodes);
  std::cout << (arguments.json ? printable_json(plan::to_json(report))
                               : plan::to_text(report) + runs::device_line(recipe));
  return 0;
}

}  // namespace

Runner add_plan(CLI::App& app) {
  auto arguments = std::make_shared<PlanArguments>();
  add_recipe_arguments(app, arguments->recipe);
  app.add_option_function<std::string>(
      "--site", [arguments](const std::string& site) { arguments->recipe.overrides.push_back("slurm.site=" + site); },
      "Site profile whose limits and prices count; by default the recipe's");
  app.add_option("--nodes", arguments->nodes, "Numbers of nodes to compare, such as 1,2,4")
      ->delimiter(',')
      ->check(CLI::Range(1, 1 << 16));
  app.add_option(
      "--machine", arguments->machine,
      cat("Machine to plan for: a file of `probe`, part of a probed machine's name, or one with published figures: ",
          join(plan::published_names(), ", ")));
  app.add_option("--node-mtbf", arguments->node_mtbf_hours,
                 "Hours after which a node fails on average; by default 1000")
      ->check(CLI::Range(1e-3, 1e9));
  app.add_flag("--json", arguments->json, "Print JSON, for programs");
  return [arguments] { return plan_of(*arguments); };
}

}  // namespace pst::cli
