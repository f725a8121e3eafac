#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "cli/command.hpp"
#include "cluster/job_script.hpp"
#include "cluster/program_path.hpp"
#include "cluster/slurm_job.hpp"
#include "cluster/supervisor.hpp"
#include "cluster/watcher_step.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "recipe/load.hpp"
#include "rundir/run_state.hpp"

namespace pst::cli {
namespace {

cluster::Hands hands_on(const std::string& job, cluster::WatcherStep& watcher) {
  return {.end_step = [job](int attempt) { cluster::end_steps(job, cluster::step_name(attempt)); },
          .answers = cluster::answers,
          .requeue = [] { cluster::requeue(cluster::requeue_id()); },
          .keep_watcher = [&watcher](const auto& listener, int attempt,
                                     const auto& nodes) { watcher.tick(listener, attempt, nodes); }};
}

int supervise(const rundir::RunDir& run, const char* job) {
  const auto slurm = recipe::load(run.recipe()).slurm;
  const char* const list = std::getenv("SLURM_JOB_NODELIST");
  const auto worker = cluster::worker_program();
  cluster::WatcherStep watcher(run, cluster::own_program());
  cluster::Patience patience;
  patience.warning_grace = std::max(10, cluster::warning_seconds(slurm).value_or(120) - 30);
  const cluster::Outcome outcome = cluster::supervise(
      run, {.launch = [&](int attempt,
                          const auto& nodes) { return cluster::srun_launch(slurm, run, attempt, worker, nodes); },
            .job_id = job,
            .nodes = list ? cluster::node_names(list) : std::vector<std::string>{},
            .nodes_wanted = slurm.nodes,
            .may_shrink = slurm.shrink,
            .max_restarts = slurm.max_restarts,
            .hands = hands_on(job, watcher),
            .reach = heartbeat::Reach::network,
            .patience = patience});
  if (!outcome.report.empty()) std::cerr << outcome.report << '\n';
  if (outcome.kind == cluster::Outcome::Kind::completed)
    std::cout << "run " << run.root().string() << " completed" << std::endl;
  else
    std::cerr << "run " << run.root().string() << ": " << outcome.reason << std::endl;
  return outcome.exit;
}

int supervise(const std::string& folder) {
  const char* const job = std::getenv("SLURM_JOB_ID");
  if (job == nullptr)
    throw Error(Fault::usage,
                "`supervise` runs inside the job that `peft-studio submit` makes, and this is not a Slurm job",
                "peft-studio submit RECIPE, or without Slurm: peft-studio train RECIPE");
  const rundir::RunDir run = rundir::RunDir::find(folder, ".");
  try {
    return supervise(run, job);
  } catch (const Error& error) {
    // Whoever follows the run looks at its events and not at the job's log.
    if (!rundir::is_final(rundir::read_state(run).state))
      run.event("failed",
                {{"exit", exit_status(error.fault())}, {"reason", error.message()}, {"remedy", error.remedy()}});
    throw;
  }
}

}  // namespace

Command add_supervise(CLI::App& program) {
  CLI::App* app = program.add_subcommand(
      "supervise", "What the job script calls: start the workers, start them again when they are lost, judge the end");
  auto run = std::make_shared<std::string>();
  app->add_option("RUN", *run, "Folder of the run")->required();
  return {app, [run] { return supervise(*run); }};
}

}  // namespace pst::cli
