#include <iostream>

#include "cli/command.hpp"
#include "cli/follow_run.hpp"
#include "cli/live_state.hpp"
#include "cli/next_recipe.hpp"
#include "cli/train_here.hpp"
#include "cluster/program_path.hpp"
#include "cluster/slurm.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "rundir/attempt.hpp"

namespace pst::cli {
namespace {

using rundir::RunDir;
using rundir::State;

struct ResumeArguments {
  RunArguments run;
  RecipeChange change;
  int ranks = 0;
  bool follow = false;
};

void refuse_unless_it_rests(const RunDir& run) {
  const LiveState live = live_state(run);
  const State state = live.run.state;
  if (state == State::completed)
    throw Error(Fault::usage, cat("run ", handle(run), " is completed; there is nothing to resume"));
  const bool rests = state == State::paused || state == State::failed || state == State::cancelled;
  if (!rests)
    throw Error(Fault::usage, cat("run ", handle(run), " is ", rundir::name_of(state), " already"),
                cat("watch it with peft-studio follow ", handle(run)));
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

int resume_here(const RunDir& run, const RecipeChange& change, int ranks) {
  if (ranks > 1) cluster::require_program("mpirun", "install Open MPI, or use --ranks 1");
  put_in_place(run, next_recipe(run, change, ranks));
  run.event("resumed", {{"launcher", "local"}, {"ranks", ranks}});
  std::cout << "run  " << handle(run) << std::endl;
  return train_here(run, ranks);
}

int resume(const ResumeArguments& arguments) {
  const RunDir run = arguments.run.find();
  refuse_unless_it_rests(run);
  std::error_code ignored;
  const bool under_slurm = std::filesystem::exists(run.job_script(), ignored) && arguments.ranks == 0;
  if (!under_slurm)
    return resume_here(run, arguments.change, arguments.ranks > 0 ? arguments.ranks : ranks_before(run));

  put_in_place(run, next_recipe(run, arguments.change, 0));
  const std::string job = cluster::submit(run.job_script());
  run.event("resumed", {{"launcher", "srun"}});
  run.event("submitted", {{"job_id", job}});
  std::cout << "run  " << handle(run) << "\njob  " << job << std::endl;
  return arguments.follow ? follow_run(run, OnInterrupt::detach) : 0;
}

}  // namespace

Command add_resume(CLI::App& program) {
  CLI::App* app = program.add_subcommand("resume", "Go on with a run that was paused, or ended before its time");
  auto arguments = std::make_shared<ResumeArguments>();
  add_run_arguments(*app, arguments->run);
  add_override_option(*app, arguments->change.overrides);
  app->add_flag("--allow-change", arguments->change.allowed,
                "Go on although keys that decide the result differ from the newest checkpoint's");
  app->add_option("--ranks", arguments->ranks, "Go on here, without Slurm, with that many processes")
      ->check(CLI::Range(1, 1024));
  app->add_flag("--follow", arguments->follow, "Stay and show the progress");
  return {app, [arguments] { return resume(*arguments); }};
}

}  // namespace pst::cli
