// SPDX-License-Identifier: Apache-2.0
#include "runs/live_state.hpp"

#include "core/error.hpp"
#include "core/strings.hpp"
#include "rundir/attempt.hpp"
#include "runs/slurm_cluster.hpp"

namespace pst::runs {
namespace {

using cluster::Life;
using rundir::RunDir;
using rundir::RunState;
using rundir::State;

bool is_waiting(const std::string& job_state) {
  for (const char* waiting : {"PENDING", "CONFIGURING", "REQUEUE", "SPECIAL_EXIT", "RESV_DEL_HOLD"})
    if (job_state.starts_with(waiting)) return true;
  return false;
}

LiveState by_slurm(RunState run, const Outside& outside) {
  if (!outside.unasked.empty()) {
    run.reason = outside.unasked;
    return {.run = std::move(run)};
  }
  if (!outside.slurm_answered) {
    run.reason = "Slurm does not answer; this is what the run's folder says";
    return {.run = std::move(run)};
  }
  LiveState live = {.run = std::move(run), .job = outside.job};
  const std::string job = cat("job ", *live.run.job_id);
  if (outside.job && cluster::is_active(*outside.job)) {
    const bool waits = is_waiting(outside.job->state);
    if (waits && live.run.state == State::requeued) return live;  // it knows the better reason
    live.run.state = waits ? State::pending : State::running;
    live.run.reason = waits ? outside.job->reason : "";
    return live;
  }
  live.inferred = true;
  const bool cancelled = outside.job ? outside.job->state.starts_with("CANCELLED") : live.run.cancel_requested;
  live.run.state = cancelled ? State::cancelled : State::failed;
  live.run.exit = exit_status(cancelled ? Fault::stopped : Fault::transient);
  if (cancelled)
    live.run.reason = cat(job, " was cancelled");
  else if (outside.job)
    live.run.reason = cat(job, " ended as ", cluster::to_text(*outside.job), " without completed.json");
  else
    live.run.reason = cat(job, " has left Slurm's queue without completed.json");
  // Slurm opens the log in the run's folder and enters the folder of the submission before the script's first line.
  if (live.run.state == State::failed && live.run.attempt == 0 && live.run.remedy.empty())
    live.run.remedy =
        "the job has not come as far as its script: do the nodes see the run's folder and the one it was submitted "
        "from? "
        "Put both on a file system that all nodes share, and submit again";
  return live;
}

LiveState by_process(RunState run, const Outside& outside) {
  LiveState live = {.run = std::move(run)};
  if (outside.process != Life::gone) return live;
  live.inferred = true;
  live.run.state = State::failed;
  live.run.exit = exit_status(Fault::transient);
  live.run.reason = "its process is gone without a word (killed, or the machine was restarted)";
  return live;
}

/// Of a chain the first job that has not ended: one that Slurm killed could not say that the next one has its turn.
std::optional<std::string> job_with_its_turn(const RunState& run,
                                             const std::map<std::string, cluster::JobState>& known) {
  for (const auto& id : run.chain)
    if (const auto job = known.find(id); job != known.end() && cluster::is_active(job->second)) return id;
  return run.job_id;
}

Life process_of(const RunDir& run, const RunState& state) {
  try {
    return cluster::life_of(rundir::read_attempt(run, state.attempt).supervisor);
  } catch (const Error&) {
    return Life::unknown;
  }
}

}  // namespace

LiveState refine(const RunState& run, const Outside& outside) {
  if (rundir::is_final(run.state)) return {.run = run};
  if (run.job_id && !run.job_id->empty()) return by_slurm(run, outside);
  if (run.state == State::running) return by_process(run, outside);
  return {.run = run};
}

std::vector<LiveState> live_states(const std::vector<RunDir>& runs) {
  const std::string asked = cluster_asked();
  std::vector<RunState> states;
  std::vector<std::string> jobs, unasked(runs.size());
  for (const auto& run : runs) {
    states.push_back(rundir::read_state(run));
    if (rundir::is_final(states.back().state)) continue;
    const std::string cluster = states.back().job_id ? cluster_of_job(run) : asked;
    if (cluster != asked) {
      unasked[states.size() - 1] = on_another_cluster(cluster, asked);
      if (!cluster.empty() && !asked.empty()) continue;  // else it may be this machine's own cluster by its name
    }
    if (states.back().job_id) jobs.push_back(*states.back().job_id);
    jobs.insert(jobs.end(), states.back().chain.begin(), states.back().chain.end());
  }
  Outside outside;
  std::map<std::string, cluster::JobState> known;
  try {
    if (!jobs.empty()) known = cluster::job_states(jobs);
  } catch (const Error&) {
    outside.slurm_answered = false;
  }

  std::vector<LiveState> live;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    states[i].job_id = job_with_its_turn(states[i], known);
    const auto job = known.find(states[i].job_id.value_or(""));
    outside.unasked = job == known.end() ? unasked[i] : std::string();
    outside.job = job == known.end() ? std::nullopt : std::optional(job->second);
    outside.process = process_of(runs[i], states[i]);
    live.push_back(refine(states[i], outside));
    // It may have ended properly between our two looks: then its own word counts.
    if (live.back().inferred)
      if (const RunState again = rundir::read_state(runs[i]); rundir::is_final(again.state))
        live.back() = {.run = again};
  }
  return live;
}

LiveState live_state(const RunDir& run) { return live_states({run}).front(); }

std::vector<std::string> jobs_of(const LiveState& live) {
  if (!live.run.chain.empty()) return live.run.chain;
  if (live.run.job_id && !live.run.job_id->empty()) return {*live.run.job_id};
  return {};
}

bool waits_in_queue(const LiveState& live) {
  return live.job && (live.run.state == State::pending || live.run.state == State::requeued);
}

}  // namespace pst::runs
