// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "cli/observe/follow_run.hpp"
#include "cli/observe/sweep_table.hpp"
#include "cli/run/submit_check.hpp"
#include "cli/run/sweep_runs.hpp"
#include "cli/run/train_here.hpp"
#include "cli/verb.hpp"
#include "cluster/program_path.hpp"
#include "cluster/slurm.hpp"
#include "console/live_line.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "recipe/load.hpp"
#include "rundir/attempt.hpp"
#include "runs/handle.hpp"
#include "runs/job_script_for.hpp"
#include "runs/live_state.hpp"
#include "runs/next_recipe.hpp"
#include "runs/submission.hpp"
#include "runs/sweep_view.hpp"

namespace pst::cli {
namespace {

using rundir::RunDir;
using rundir::State;

struct ResumeArguments {
  RunArguments run;
  runs::RecipeChange change;
  int ranks = 0, jobs = 1;
  bool follow = false;
};

bool rests(State state) { return state == State::paused || state == State::failed || state == State::cancelled; }

void refuse_unless_it_rests(const RunDir& run) {
  const runs::LiveState live = runs::live_state(run);
  const State state = live.run.state;
  if (state == State::completed)
    throw Error(Fault::usage, cat("run ", runs::handle(run), " is completed; there is nothing to resume"),
                "to go on with its adapter: a new recipe with adapter.init_from set to the run's folder adapter");
  if (!rests(state))
    throw Error(Fault::usage, cat("run ", runs::handle(run), " is ", rundir::name_of(state), " already"),
                cat("watch it with peft-studio follow ", shell_quoted(runs::handle(run))));
}

/// As many as the run had when it was last started.
int ranks_before(const RunDir& run) {
  for (int attempt = run.last_attempt(); attempt > 0; --attempt) {
    try {
      return rundir::read_attempt(run, attempt).ranks;
    } catch (const Error&) {
      // It ended before its record was written.
    }
  }
  return 1;
}

int resume_here(const RunDir& run, const runs::RecipeChange& change, int ranks) {
  if (ranks > 1) cluster::require_mpirun("install Open MPI, or use --ranks 1");
  runs::put_in_place(run, runs::next_recipe(run, change, ranks, console::ReadingLine().progress()));
  run.event("resumed", {{"launcher", "local"}, {"ranks", ranks}});
  std::cout << "run  " << runs::handle(run) << std::endl;
  return train_here(run, ranks);
}

int resume_run(const RunDir& run, const ResumeArguments& arguments) {
  refuse_unless_it_rests(run);
  std::error_code ignored;
  const bool under_slurm = std::filesystem::exists(run.job_script(), ignored) && arguments.ranks == 0;
  if (!under_slurm)
    return resume_here(run, arguments.change, arguments.ranks > 0 ? arguments.ranks : ranks_before(run));

  cluster::require_program("sbatch", cluster::kWithoutSlurm);
  runs::put_in_place(run, runs::next_recipe(run, arguments.change, 0, console::ReadingLine().progress()));
  // Made again: by now it is known how long a checkpoint takes, and the warning before the time limit follows from it.
  runs::write_job(run, recipe::load(run.recipe()), runs::site_of(run));
  tell_about_variables(recipe::load(run.recipe()).slurm);
  const auto waiting = runs::unknown_jobs(run.job_script(), {run});
  for (const auto& job : waiting)
    std::cout << "job " << job << " of this run is in Slurm's queue already, from a submission that had no answer; "
              << "the run goes on with it" << std::endl;
  const auto jobs = runs::submit_chain(run.job_script(), arguments.jobs, {}, waiting);
  run.event("resumed", {{"launcher", "srun"}});
  run.event("submitted", runs::submitted_details(jobs, {}));
  std::cout << "run  " << runs::handle(run) << "\njob  " << join(jobs, ", ") << std::endl;
  return arguments.follow ? follow_run(run, OnInterrupt::detach) : 0;
}

/// Those that rest, as one job array; where the sweep was begun by `train`, one after the other.
int resume_sweep(const rundir::SweepDir& sweep, const ResumeArguments& arguments) {
  if (!arguments.change.overrides.empty() || arguments.change.allowed || arguments.jobs > 1)
    throw Error(Fault::usage, "--set, --allow-change and --jobs are for a single run",
                cat("peft-studio resume ", shell_quoted(runs::handle(sweep)), "/0 --set ..."));
  const auto record = sweep.read_record();
  const auto runs = sweep.runs(record);
  const auto live = runs::live_states(runs);
  std::vector<int> resting;
  for (std::size_t i = 0; i < runs.size(); ++i)
    if (rests(live[i].run.state) || live[i].run.state == State::unknown) resting.push_back(static_cast<int>(i));
  if (resting.empty())
    throw Error(Fault::usage, cat("no run of sweep ", runs::handle(sweep), " rests; there is nothing to resume"),
                cat("peft-studio status ", shell_quoted(runs::handle(sweep))));
  std::error_code ignored;
  if (std::filesystem::exists(sweep.job_script(), ignored) && arguments.ranks == 0) {
    if (const auto waiting = runs::unknown_jobs(sweep.job_script(), runs); !waiting.empty())
      throw Error(Fault::usage,
                  cat("job ", waiting.front(), " of sweep ", runs::handle(sweep),
                      " is in Slurm's queue already, from a submission that had no answer"),
                  cat("let it run, or end it first: scancel ", waiting.front()));
    for (const int number : resting) {
      const RunDir& run = runs[static_cast<std::size_t>(number)];
      if (!runs::has_prepared_data(run))
        runs::put_in_place(run, runs::next_recipe(run, {}, 0, console::ReadingLine().progress()));
      run.event("resumed", {{"launcher", "srun"}});
    }
    submit_array(sweep, record, resting, {});
    std::cout << "watch it with: peft-studio watch " << shell_quoted(runs::handle(sweep)) << std::endl;
    return 0;
  }
  for (const int number : resting) {
    const RunDir& run = runs[static_cast<std::size_t>(number)];
    resume_here(run, {}, arguments.ranks > 0 ? arguments.ranks : ranks_before(run));
  }
  runs::write_results_when_over(sweep);
  print_sweep(std::cout, runs::look_at(sweep));
  return 0;
}

int resume(const ResumeArguments& arguments) {
  const auto found = rundir::find_run_or_sweep(arguments.run.run, arguments.run.output_dir);
  if (const auto* sweep = std::get_if<rundir::SweepDir>(&found)) return resume_sweep(*sweep, arguments);
  return resume_run(std::get<RunDir>(found), arguments);
}

}  // namespace

Runner add_resume(CLI::App& app) {
  auto arguments = std::make_shared<ResumeArguments>();
  add_run_arguments(app, arguments->run);
  add_override_option(app, arguments->change.overrides);
  add_profile_option(app, arguments->change.overrides);
  app.add_flag("--allow-change", arguments->change.allowed,
               "Continue even if a changed key alters the result, compared with the newest checkpoint");
  app.add_option("--ranks", arguments->ranks, "Continue on this machine, without Slurm, with this many processes")
      ->check(CLI::Range(1, 1024));
  app.add_option("--jobs", arguments->jobs,
                 "Submit a chain of this many jobs that continue each other, each as long as the recipe's slurm.time")
      ->check(CLI::Range(1, 100));
  app.add_flag("--follow", arguments->follow, "Stay and show the progress until the run ends");
  return [arguments] { return resume(*arguments); };
}

}  // namespace pst::cli
