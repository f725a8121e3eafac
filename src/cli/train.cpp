#include <sched.h>
#include <signal.h>

#include <iostream>

#include "cli/command.hpp"
#include "cli/follow_run.hpp"
#include "cli/run_monitor.hpp"
#include "cli/run_plan.hpp"
#include "cluster/process_mark.hpp"
#include "cluster/program_path.hpp"
#include "cluster/supervisor.hpp"
#include "core/strings.hpp"
#include "recipe/load.hpp"
#include "rundir/run_state.hpp"

namespace pst::cli {
namespace {

struct TrainArguments {
  RecipeArguments recipe;
  int ranks = 1;
};

/// That this process may use, which on a shared machine is less than there are.
int cores() {
  cpu_set_t set;
  return ::sched_getaffinity(0, sizeof set, &set) == 0 ? std::max(1, CPU_COUNT(&set)) : 1;
}

int train(const TrainArguments& arguments) {
  recipe::load(arguments.recipe.file, arguments.recipe.overrides);  // the quick checks first
  const auto worker = cluster::worker_program();
  if (arguments.ranks > 1) cluster::require_program("mpirun", "install Open MPI, or use --ranks 1");
  const RunPlan plan = plan_run(arguments.recipe, arguments.ranks);
  const rundir::RunDir run = make_run(plan, arguments.recipe);
  std::cout << "run  " << handle(run) << std::endl;

  ::signal(SIGPIPE, SIG_IGN);  // a reader of our output that leaves does not end the training
  RunMonitor monitor(run);
  LiveLine line(std::cerr, kind_of_standard_error());
  cluster::supervise(
      run,
      {.launch = [&](int attempt) { return cluster::local_launch(arguments.ranks, cores(), run, attempt, worker); },
       .hosts = cluster::host_name(),
       .on_tick =
           [&] {
             const auto progress = monitor.poll();
             line.show(progress ? to_line(*progress)
                                : cat("starting ", arguments.ranks, arguments.ranks == 1 ? " rank" : " ranks"));
           }});
  line.finish();
  return report_end(run, rundir::read_state(run));
}

}  // namespace

Command add_train(CLI::App& program) {
  CLI::App* app = program.add_subcommand("train", "Check a recipe and train here and now, without Slurm");
  auto arguments = std::make_shared<TrainArguments>();
  add_recipe_arguments(*app, arguments->recipe);
  app->add_option("--ranks", arguments->ranks, "Processes that share the work (mpirun)")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  return {app, [arguments] { return train(*arguments); }};
}

}  // namespace pst::cli
