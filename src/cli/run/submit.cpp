// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "cli/observe/follow_run.hpp"
#include "cli/observe/follow_sweep.hpp"
#include "cli/run/submit_check.hpp"
#include "cli/run/sweep_runs.hpp"
#include "cli/verb.hpp"
#include "cluster/program_path.hpp"
#include "console/live_line.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "recipe/load.hpp"
#include "runs/gpus_of_job.hpp"
#include "runs/handle.hpp"
#include "runs/job_script_for.hpp"
#include "runs/make_sweep.hpp"
#include "runs/recipe_source.hpp"
#include "runs/run_plan.hpp"
#include "runs/submission.hpp"

namespace pst::cli {
namespace {

struct SubmitArguments {
  runs::RecipeSource recipe;
  bool dry_run = false, check = false, follow = false, cancel_on_interrupt = false, after_any = false;
  std::string after;
  int jobs = 1;
};

recipe::Recipe first_recipe(const runs::RecipeSource& arguments) {
  if (!recipe::is_sweep(arguments.file, arguments.overrides)) return recipe::load(arguments.file, arguments.overrides);
  return recipe::load_sweep(arguments.file, arguments.overrides).runs.front().recipe;
}

/// Nothing of the model is in a job script, and its folder may be one that only the compute nodes see.
bool is_here(const fs::path& model) {
  std::error_code ignored;
  return fs::exists(model, ignored);
}

void tell(const std::string& note) {
  if (!note.empty()) std::cerr << "note: " << note << std::endl;
}

int dry_run(const SubmitArguments& arguments) {
  const bool sweep = recipe::is_sweep(arguments.recipe.file, arguments.recipe.overrides);
  auto recipe = first_recipe(arguments.recipe);
  if (!is_here(recipe.model.path))
    std::cerr << "note: model and data were not checked: there is no " << recipe.model.path
              << " on this machine; submit needs it" << std::endl;
  else if (!sweep)
    recipe = runs::check_all(arguments.recipe, console::ReadingLine().progress());
  tell_about_variables(recipe.slurm);
  const site::Site site = runs::site_for(recipe).site;
  tell(runs::ask_for_gpus(recipe, site));
  std::cout << runs::job_script_for(recipe, site,
                                    fs::absolute(recipe.output_dir).lexically_normal() / (recipe.name + "-0000"));
  return 0;
}

struct Wanted {
  runs::Before before;
  fs::path adapter;  ///< that the run to come after will leave
};

Wanted wanted_before(const SubmitArguments& arguments, const recipe::Recipe& recipe) {
  if (arguments.after.empty()) return {};
  const auto run = rundir::RunDir::find(arguments.after, recipe.output_dir);
  return {runs::come_after(run, arguments.after_any ? runs::NeedCompleted::no : runs::NeedCompleted::yes),
          run.adapter()};
}

rundir::RunDir submit_one(const SubmitArguments& arguments, recipe::Recipe recipe, const site::Choice& chosen,
                          const Wanted& wanted) {
  runs::PlanMemory memory{.coming_adapter = wanted.adapter};
  const runs::RunPlan plan = runs::plan_recipe(std::move(recipe), 0, memory, console::ReadingLine().progress());
  for (const auto& note : notes_of(plan)) std::cerr << "note: " << note << std::endl;
  rundir::RunDir run = runs::make_run(
      plan, arguments.recipe, [&](const rundir::RunDir& made) { runs::write_job(made, plan.recipe, chosen.site); });
  std::vector<std::string> jobs;
  try {
    jobs = runs::submit_chain(run.job_script(), arguments.jobs, wanted.before);
  } catch (const Error& error) {
    run.event("failed",
              {{"exit", exit_status(error.fault())}, {"reason", error.message()}, {"remedy", error.remedy()}});
    throw;
  }
  run.event("submitted", runs::submitted_details(jobs, wanted.before));
  std::cout << "site " << chosen.site.name << ": " << chosen.reason << "\nrun  " << runs::handle(run) << "\njob  "
            << join(jobs, ", ") << std::endl;
  return run;
}

int submit(const SubmitArguments& arguments) {
  // The quick checks first: what would fail in sbatch or on the compute nodes fails here, before data is read.
  recipe::Recipe recipe = first_recipe(arguments.recipe);
  const auto chosen = runs::site_for(recipe);
  const std::string about_gpus = runs::ask_for_gpus(recipe, chosen.site);
  runs::job_script_for(recipe, chosen.site, "/");  // within the site's limits
  const bool sweep = recipe::is_sweep(arguments.recipe.file, arguments.recipe.overrides);
  if (sweep && arguments.jobs > 1)
    throw Error(Fault::usage, "--jobs makes a chain of one run, and this recipe is a sweep",
                "leave it out: a run of a sweep that needs more time is requeued");
  cluster::require_program("sbatch",
                           "run this on a login node (perhaps after `module load slurm`), or train here and now: "
                           "peft-studio train " +
                               arguments.recipe.file);
  cluster::worker_program();
  tell_about_variables(recipe.slurm);
  tell(about_gpus);
  const Wanted wanted = wanted_before(arguments, recipe);
  const auto on_interrupt = arguments.cancel_on_interrupt ? OnInterrupt::cancel : OnInterrupt::detach;
  if (sweep) {
    const runs::MadeSweep made = submit_sweep(arguments.recipe, wanted.before);
    if (arguments.follow) return follow_sweep(made.dir);
    std::cout << "watch it with: peft-studio watch " << shell_quoted(runs::handle(made.dir)) << std::endl;
    return 0;
  }
  const auto run = submit_one(arguments, recipe, chosen, wanted);
  if (arguments.follow) return follow_run(run, on_interrupt);
  std::cout << "watch it with: peft-studio watch " << shell_quoted(runs::handle(run)) << std::endl;
  return 0;
}

}  // namespace

Runner add_submit(CLI::App& app) {
  auto arguments = std::make_shared<SubmitArguments>();
  add_recipe_arguments(app, arguments->recipe);
  add_profile_option(app, arguments->recipe.overrides);
  auto* dry = app.add_flag("--dry-run", arguments->dry_run,
                           "Print the job script and stop; nothing is submitted or written. Works without the model");
  auto* check = app.add_flag("--check", arguments->check,
                             "Ask Slurm and the file system whether and when the job could run, and stop; nothing is "
                             "submitted or written")
                    ->excludes(dry);
  app.add_option("--after", arguments->after, "Start after this run, and only if it completes")->type_name("RUN");
  app.add_flag("--after-any", arguments->after_any, "With --after: start however that run ends")->needs("--after");
  app.add_option("--jobs", arguments->jobs,
                 "Submit a chain of this many jobs that continue each other, each as long as the recipe's slurm.time")
      ->check(CLI::Range(1, 100));
  auto* follow = app.add_flag("--follow", arguments->follow, "Stay and show the progress until the run ends")
                     ->excludes(dry)
                     ->excludes(check);
  app.add_flag("--cancel-on-interrupt", arguments->cancel_on_interrupt,
               "With --follow: let Ctrl-C cancel the job; by default the job goes on")
      ->needs(follow);
  return [arguments] {
    if (arguments->dry_run) return dry_run(*arguments);
    return arguments->check ? submit_check(arguments->recipe) : submit(*arguments);
  };
}

}  // namespace pst::cli
