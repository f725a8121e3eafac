// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "cli/verb.hpp"
#include "cluster/job_script.hpp"
#include "cluster/program_path.hpp"
#include "cluster/secrets.hpp"
#include "cluster/slurm_job.hpp"
#include "cluster/supervisor.hpp"
#include "cluster/watcher_step.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "monitor/monitor.hpp"
#include "recipe/load.hpp"
#include "rundir/run_state.hpp"
#include "runs/chain_turn.hpp"
#include "runs/job_script_for.hpp"
#include "runs/sweep_view.hpp"

namespace pst::cli {
namespace {

constexpr double kSubmissionWithin_s = 10;
constexpr double kFolderLags_s = 15;

/// A chain goes on with its next job, any other run with the same one.
void go_on_later(const runs::ChainTurn& turn, const site::Site& site) {
  if (!turn.is_chained()) {
    if (!site.requeue.allowed)
      throw Error(Fault::usage, cat("the site ", site.name, " does not put jobs back into the queue"),
                  "peft-studio resume RUN; or submit with --jobs N, a chain of jobs");
    return cluster::requeue(cluster::requeue_id());
  }
  if (const auto next = turn.next()) return turn.hand_on(*next);
  throw Error(Fault::transient, "this was the last job of the chain",
              "peft-studio resume RUN --jobs N   goes on from the newest checkpoint");
}

cluster::Hands hands_on(const std::string& job, const runs::ChainTurn& turn, const site::Site& site,
                        cluster::WatcherStep& watcher) {
  cluster::Hands hands{.requeue = [&turn, &site] { go_on_later(turn, site); }};
  if (site.launcher == site::Launcher::ibrun) return hands;  // steps of ours cannot be placed beside its own
  hands.end_step = [job](int attempt) { cluster::end_steps(job, cluster::step_name(attempt)); };
  hands.answers = cluster::answers;
  hands.keep_watcher = [&watcher](const auto& listener, int attempt, const auto& nodes) {
    watcher.tick(listener, attempt, nodes);
  };
  return hands;
}

/// Ranks on other nodes come by the network. The run's folder, and a socket in it, is not looked for in a container
/// that the site's profile starts: how it mounts that folder is the site's affair.
heartbeat::Reach reach_of(const std::vector<std::string>& nodes, const site::Site& site) {
  const auto short_name = [](const std::string& name) { return name.substr(0, name.find('.')); };
  if (nodes.size() != 1 || short_name(nodes.front()) != short_name(cluster::host_name()))
    return heartbeat::Reach::network;
  return site.container.kind == site::ContainerKind::none ? heartbeat::Reach::this_user : heartbeat::Reach::this_host;
}

cluster::InJob in_job(const recipe::Slurm& slurm, const site::Site& site) {
  cluster::InJob how{.slurm = slurm, .site = site, .secrets = {}};
  if (const auto& file = slurm.secrets_file ? slurm.secrets_file : site.secrets_file)
    how.secrets = cluster::read_secrets(*file);
  return how;
}

int supervise(const rundir::RunDir& run, const std::string& job, const runs::ChainTurn& turn) {
  const auto recipe = recipe::load(run.recipe());
  const auto& slurm = recipe.slurm;
  const auto site = runs::site_of(run);
  const auto how = in_job(slurm, site);
  const char* const list = std::getenv("SLURM_JOB_NODELIST");
  const auto nodes = list ? cluster::node_names(list) : std::vector<std::string>{};
  const auto worker = cluster::worker_program();
  cluster::WatcherStep watcher(run, cluster::own_program());
  cluster::Patience patience;
  patience.warning_grace =
      std::max(10, cluster::warning_seconds(slurm, site.signal, runs::slowest_checkpoint_s(run)).value_or(120) - 30);
  const cluster::Outcome outcome = cluster::supervise(
      run, {.launch = [&](int attempt,
                          const auto& chosen) { return cluster::launch_in_job(how, run, attempt, worker, chosen); },
            .job_id = job,
            .nodes = nodes,
            .nodes_wanted = slurm.nodes,
            .may_shrink = slurm.shrink && site::can_choose_nodes(site.launcher),
            .max_restarts = slurm.max_restarts,
            .hands = hands_on(job, turn, site, watcher),
            .reach = reach_of(nodes, site),
            .patience = patience,
            .monitor = monitor::monitor_child(run, recipe, cluster::own_program(), {})});
  if (!outcome.report.empty()) std::cerr << outcome.report << '\n';
  if (outcome.kind == cluster::Outcome::Kind::completed)
    std::cout << "run " << run.root().string() << " completed" << std::endl;
  else
    std::cerr << "run " << run.root().string() << ": " << outcome.reason << std::endl;
  return outcome.exit;
}

/// In a job array the folder is the sweep's, and the element's number names the run.
rundir::RunDir run_of_this_job(const std::string& folder) {
  const auto found = rundir::find_run_or_sweep(folder, ".");
  if (const auto* run = std::get_if<rundir::RunDir>(&found)) return *run;
  const char* const element = std::getenv("SLURM_ARRAY_TASK_ID");
  if (element == nullptr)
    throw Error(Fault::usage, cat(folder, " is a sweep, and this job is no element of a job array"),
                "peft-studio resume SWEEP   submits it as one");
  return rundir::RunDir::find(cat(folder, "/", element), ".");
}

int supervise_turn(const rundir::RunDir& run, const std::string& job, const rundir::RunState& state) {
  const runs::ChainTurn turn(run, state.chain, job);
  if (const auto why = runs::nothing_to_do(state, turn.is_chained())) {
    std::cout << "run " << run.root().string() << " is " << *why << std::endl;
    if (state.state != rundir::State::completed) turn.drop_the_rest();
    return state.exit;
  }
  if (!state.after.empty()) runs::refuse_unless_completed(rundir::RunDir(state.after), run, kFolderLags_s);
  if (turn.is_chained() && state.job_id != job) turn.hand_on(job);  // the one before could not say so
  turn.take_lease_over();
  const int status = supervise(run, job, turn);
  // After a completion they end by themselves, as completed ones: other jobs may wait for that.
  const auto after = rundir::read_state(run).state;
  if (rundir::is_final(after) && after != rundir::State::completed) turn.drop_the_rest();
  return status;
}

void write_results_of_its_sweep(const rundir::RunDir& run) {
  try {
    if (const auto sweep = rundir::sweep_of(run)) runs::write_results_when_over(*sweep);
  } catch (const Error& error) {
    std::cerr << "warning: the sweep's results could not be written: " << error.message() << std::endl;
  }
}

/// @param setup_failed  what the job script could not do before it came to us; empty when all went well
/// @param again_since   when the job began, where its supervisor was killed before this one; 0: it is the first
int supervise(const std::string& folder, const std::string& setup_failed, double again_since) {
  const std::string job = cluster::requeue_id();
  if (job.empty())
    throw Error(Fault::usage,
                "`supervise` runs inside the job that `peft-studio submit` makes, and this is not a Slurm job",
                "peft-studio submit RECIPE, or without Slurm: peft-studio train RECIPE");
  const rundir::RunDir run = run_of_this_job(folder);
  if (again_since > 0)
    if (const auto state = runs::last_word_since(run, again_since)) {
      std::cout << "run " << run.root().string() << " is " << rundir::name_of(state->state) << std::endl;
      return state->state == rundir::State::requeued ? exit_status(Fault::stopped) : state->exit;
    }
  try {
    if (!setup_failed.empty())
      throw Error(
          Fault::unfit, cat("the job's set-up failed at: ", setup_failed),
          cat("correct it in this run's copy of the site profile, ", run.site().string(),
              " (and in the profile, for later runs), then: peft-studio resume ", shell_quoted(run.root().string())));
    const int status = supervise_turn(run, job, runs::await_submission(run, job, kSubmissionWithin_s));
    write_results_of_its_sweep(run);
    return status;
  } catch (const Error& error) {
    // Whoever follows the run looks at its events and not at the job's log.
    if (!rundir::is_final(rundir::read_state(run).state))
      run.event("failed",
                {{"exit", exit_status(error.fault())}, {"reason", error.message()}, {"remedy", error.remedy()}});
    runs::ChainTurn(run, rundir::read_state(run).chain, job).drop_the_rest();
    write_results_of_its_sweep(run);
    throw;
  }
}

}  // namespace

Runner add_supervise(CLI::App& app) {
  struct Arguments {
    std::string run, setup_failed;
    double again_since = 0;
  };
  auto arguments = std::make_shared<Arguments>();
  app.add_option("RUN", arguments->run, "Folder of the run, or in a job array of the sweep")->required();
  app.add_option("--setup-failed", arguments->setup_failed, "Only record that the job script failed at this, and end");
  app.add_option("--again-since", arguments->again_since,
                 "The job began then (seconds since 1970) and its supervisor was killed: go on, unless the run's last "
                 "event since is how it ended or that the job is put back into the queue");
  return [arguments] { return supervise(arguments->run, arguments->setup_failed, arguments->again_since); };
}

}  // namespace pst::cli
