#include <iostream>

#include "cli/command.hpp"
#include "cli/follow_run.hpp"
#include "cli/job_script_for.hpp"
#include "cli/run_plan.hpp"
#include "cluster/program_path.hpp"
#include "cluster/slurm.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "recipe/load.hpp"

namespace pst::cli {
namespace {

struct SubmitArguments {
  RecipeArguments recipe;
  bool dry_run = false, follow = false, cancel_on_interrupt = false;
};

int dry_run(const SubmitArguments& arguments) {
  const auto recipe = check_all(arguments.recipe);
  const auto chosen = site_for(recipe);
  std::cout << job_script_for(recipe, chosen.site,
                              fs::absolute(recipe.output_dir).lexically_normal() / (recipe.name + "-0000"));
  return 0;
}

int submit(const SubmitArguments& arguments) {
  // The quick checks first: what would fail in sbatch or on the compute nodes fails here, before data is read.
  const auto recipe = recipe::load(arguments.recipe.file, arguments.recipe.overrides);
  const auto chosen = site_for(recipe);
  job_script_for(recipe, chosen.site, "/");
  cluster::require_program("sbatch",
                           "run this on a login node (perhaps after `module load slurm`), or train here and now: "
                           "peft-studio train " +
                               arguments.recipe.file);
  cluster::worker_program();
  const RunPlan plan = plan_run(arguments.recipe);
  const rundir::RunDir run =
      make_run(plan, arguments.recipe, [&](const rundir::RunDir& made) { write_job(made, plan.recipe, chosen.site); });
  std::string job;
  try {
    job = cluster::submit(run.job_script());
  } catch (const Error& error) {
    run.event("failed",
              {{"exit", exit_status(error.fault())}, {"reason", error.message()}, {"remedy", error.remedy()}});
    throw;
  }
  run.event("submitted", {{"job_id", job}});
  std::cout << "site " << chosen.site.name << ": " << chosen.reason << "\nrun  " << handle(run) << "\njob  " << job
            << std::endl;
  if (!arguments.follow) {
    std::cout << "watch it with: peft-studio follow " << handle(run) << std::endl;
    return 0;
  }
  return follow_run(run, arguments.cancel_on_interrupt ? OnInterrupt::cancel : OnInterrupt::detach);
}

}  // namespace

Command add_submit(CLI::App& program) {
  CLI::App* app = program.add_subcommand("submit", "Check a recipe and hand it to Slurm");
  auto arguments = std::make_shared<SubmitArguments>();
  add_recipe_arguments(*app, arguments->recipe);
  auto* dry = app->add_flag("--dry-run", arguments->dry_run, "Only print the job script; create nothing");
  auto* follow = app->add_flag("--follow", arguments->follow, "Stay and show the progress")->excludes(dry);
  app->add_flag("--cancel-on-interrupt", arguments->cancel_on_interrupt, "With --follow: Ctrl-C cancels the job")
      ->needs(follow);
  return {app, [arguments] { return arguments->dry_run ? dry_run(*arguments) : submit(*arguments); }};
}

}  // namespace pst::cli
