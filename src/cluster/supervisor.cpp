#include "cluster/supervisor.hpp"

#include <signal.h>

#include <chrono>
#include <thread>

#include "cluster/process_mark.hpp"
#include "cluster/signals.hpp"
#include "cluster/slurm.hpp"
#include "cluster/worker_logs.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "rundir/attempt.hpp"
#include "rundir/run_state.hpp"

namespace pst::cluster {
namespace {

using rundir::RunDir;

bool is_ours(int status) {
  for (const Fault fault : {Fault::usage, Fault::data, Fault::unfit, Fault::bug, Fault::io, Fault::stopped})
    if (status == exit_status(fault)) return true;
  return false;
}

std::string how_it_ended(int status) {
  if (status > 128 && status < 160) return cat("ended by ", signal_name(status - 128), " (status ", status, ")");
  return cat("ended with status ", status);
}

/// The exit status that tells whoever started us whether repeating can help.
int exit_for(int status) {
  if (is_ours(status)) return status;
  switch (status) {
    case 128 + SIGSEGV:
    case 128 + SIGABRT:
    case 128 + SIGBUS:
    case 128 + SIGFPE:
    case 128 + SIGILL: return exit_status(Fault::bug);
    case 126:
    case 127: return exit_status(Fault::unfit);  // the worker could not be started on some node
    default: return exit_status(Fault::transient);
  }
}

/// What a worker said is wrong, unless it is about a peer or about being stopped.
std::optional<Fault> cause_in(const std::string& worker_error) {
  for (const Fault fault : {Fault::usage, Fault::data, Fault::unfit, Fault::bug, Fault::io})
    if (starts_with(worker_error, cat("error[", name_of(fault), "]"))) return fault;
  return std::nullopt;
}

/// A worker's words count for more than how the launcher ended: srun reports 143 when it was itself that ended the
/// other ranks after the first had left with 64.
int exit_of(const Ending& ending) {
  const auto cause = cause_in(ending.worker_error);
  return cause ? exit_status(*cause) : exit_for(ending.status);
}

/// The message of a report, without its kind, context and remedy.
std::string message_of(const std::string& report) {
  const std::string line = report.substr(0, report.find('\n'));
  const auto end_of_kind = line.find("]: ");
  return end_of_kind == std::string::npos ? line : line.substr(end_of_kind + 3);
}

std::string remedy_of(const std::string& report) {
  for (const auto& line : split(report, '\n'))
    if (starts_with(line, "  try: ")) return line.substr(7);
  return {};
}

Ending wait_for_workers(const RunDir& run, const SuperviseSettings& settings, Child& workers, SignalQueue& signals) {
  Ending ending;
  ending.user_interrupt = !settings.job_id;
  std::optional<double> kill_at;
  int interrupts = 0;
  for (;;) {
    if (const auto status = workers.poll()) {
      ending.status = *status;
      break;
    }
    settings.on_tick();
    if (kill_at && monotonic_seconds() > *kill_at) workers.signal_group(SIGKILL);
    const auto signal = signals.wait(0.5);
    if (!signal || *signal == SIGCHLD) continue;
    if (*signal == SIGINT && ++interrupts > 1) {  // a second Ctrl-C: the user does not want to wait
      workers.signal_group(SIGKILL);
      continue;
    }
    workers.signal(*signal == SIGUSR2 ? SIGUSR2 : SIGTERM);
    if (!ending.stopped_by) ending.stopped_by = *signal;
    // SIGUSR2 warns of the end minutes ahead, and the workers finish their step; SIGTERM is followed by SIGKILL soon.
    if (*signal != SIGUSR2 && !kill_at) kill_at = monotonic_seconds() + settings.grace_s;
  }
  ending.cancel_requested = rundir::read_state(run).cancel_requested;
  return ending;
}

/// Slurm ends a job's steps a moment before it says so of the job. @param wait_s  as long it is asked again
std::optional<JobState> ask_slurm(const std::string& job_id, double wait_s) {
  const double deadline = monotonic_seconds() + wait_s;
  for (;;) {
    std::optional<JobState> state;
    try {
      const auto states = job_states({job_id});
      if (const auto found = states.find(job_id); found != states.end()) state = found->second;
    } catch (const Error&) {
      return std::nullopt;  // it does not answer: signal and status have to do as the reason
    }
    if (!state || state->state != "RUNNING" || monotonic_seconds() > deadline) return state;
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
  }
}

/// Somebody ended the workers, and it was neither our user nor a warning that we know of.
bool is_stop_of_unknown_cause(const Ending& ending) {
  if (ending.completed || ending.cancel_requested || ending.stopped_by == SIGUSR2) return false;
  if (cause_in(ending.worker_error)) return false;
  return ending.stopped_by || ending.status == exit_status(Fault::stopped) || ending.status == 128 + SIGTERM ||
         ending.status == 128 + SIGKILL;
}

void look_at_results(const RunDir& run, const SuperviseSettings& settings, int attempt, Ending& ending) {
  try {
    const auto completed = run.read_completed();
    ending.completed = completed && completed->attempt == attempt;
  } catch (const Error& error) {
    ending.completed_damage = error.message();
  }
  ending.worker_error = worker_error(run.attempt(attempt));
  if (!ending.completed && settings.job_id)
    ending.job = ask_slurm(*settings.job_id, is_stop_of_unknown_cause(ending) ? 4 : 0);
}

void record(const RunDir& run, int attempt, const Ending& ending, const Outcome& outcome) {
  nlohmann::ordered_json details = {{"attempt", attempt}, {"exit", outcome.exit}, {"launcher_status", ending.status}};
  if (!outcome.reason.empty()) details["reason"] = outcome.reason;
  if (!outcome.remedy.empty()) details["remedy"] = outcome.remedy;
  switch (outcome.kind) {
    case Outcome::Kind::completed: return run.event("completed", details);
    case Outcome::Kind::failed: return run.event("failed", details);
    case Outcome::Kind::cancelled: return run.event("cancelled", details);
  }
}

Outcome run_attempt(const RunDir& run, const SuperviseSettings& settings) {
  const int attempt = run.begin_attempt();
  const Launch launch = settings.launch(attempt);
  rundir::write_attempt(run, {.number = attempt,
                              .launcher = launch.launcher,
                              .job_id = settings.job_id,
                              .hosts = settings.hosts,
                              .ranks = launch.ranks,
                              .started = iso_time(unix_seconds()),
                              .supervisor = own_mark()});
  SignalQueue signals{SIGTERM, SIGINT, SIGHUP, SIGUSR2, SIGCHLD};  // from before the start: none is lost
  Ending ending;
  {
    Child workers(launch.child);
    run.event("started", {{"attempt", attempt}, {"ranks", launch.ranks}, {"hosts", settings.hosts}});
    ending = wait_for_workers(run, settings, workers, signals);
  }  // whatever the workers left behind is gone from here on
  settings.on_tick();
  look_at_results(run, settings, attempt, ending);
  Outcome outcome = judge(ending);
  if (outcome.kind == Outcome::Kind::failed && ending.status != 0 && ending.worker_error.empty()) {
    const std::string words = launcher_words(run.attempt(attempt), 3);
    if (!words.empty()) outcome.reason += cat("; its last words: ", join(split(words, '\n'), " | "));
  }
  record(run, attempt, ending, outcome);
  return outcome;
}

/// Why Slurm ended the job, if it did. (Measured with 22.05: while the last processes of a job are being ended its
/// state is COMPLETING whatever the cause, and only the reason tells a time limit or a dead node from a cancellation.)
enum class JobEnd { none, time_limit, node_lost, preempted, cancelled };
JobEnd job_end(const Ending& ending) {
  if (!ending.job) return JobEnd::none;
  const std::string& state = ending.job->state;
  const std::string& reason = ending.job->reason;
  if (starts_with(state, "TIMEOUT") || reason == "TimeLimit") return JobEnd::time_limit;
  if (starts_with(state, "NODE_FAIL") || reason == "NodeDown") return JobEnd::node_lost;
  if (starts_with(state, "PREEMPTED")) return JobEnd::preempted;
  if (starts_with(state, "CANCELLED")) return JobEnd::cancelled;
  if (starts_with(state, "COMPLETING") && reason.empty()) return JobEnd::cancelled;
  return JobEnd::none;
}

}  // namespace

Outcome judge(const Ending& ending) {
  using Kind = Outcome::Kind;
  if (ending.completed) return {.kind = Kind::completed, .exit = 0};
  const int stopped = exit_status(Fault::stopped);
  const std::string how =
      ending.stopped_by ? cat("stopped by ", signal_name(*ending.stopped_by)) : "stopped on request";
  const Outcome out_of_time = {
      .exit = stopped, .reason = "the job ran out of time before training was done", .remedy = "give slurm.time more"};
  switch (job_end(ending)) {
    case JobEnd::time_limit: return out_of_time;
    case JobEnd::node_lost: return {.exit = exit_status(Fault::transient), .reason = "a node of the job was lost"};
    case JobEnd::preempted: return {.exit = stopped, .reason = "the job was preempted"};
    case JobEnd::cancelled: return {.kind = Kind::cancelled, .exit = stopped, .reason = "the job was cancelled"};
    case JobEnd::none: break;
  }
  const bool by_signal = ending.stopped_by || ending.status == stopped;
  if (by_signal && (ending.cancel_requested || (ending.user_interrupt && ending.stopped_by)))
    return {.kind = Kind::cancelled, .exit = stopped, .reason = how};
  if (ending.stopped_by == SIGUSR2) return out_of_time;
  if (by_signal) return {.exit = stopped, .reason = how};

  const int exit = exit_of(ending);
  if (!ending.worker_error.empty())
    return {.exit = exit == 0 ? exit_status(Fault::bug) : exit,
            .reason = message_of(ending.worker_error),
            .remedy = remedy_of(ending.worker_error),
            .report = ending.worker_error};
  if (!ending.completed_damage.empty()) return {.exit = exit_status(Fault::data), .reason = ending.completed_damage};
  if (ending.status == 0)
    return {.exit = exit_status(Fault::transient),
            .reason = "the launcher reported success, but there is no completed.json: most likely a node was lost"};
  return {.exit = exit, .reason = cat("the workers ", how_it_ended(ending.status), " without saying why")};
}

Outcome supervise(const RunDir& run, const SuperviseSettings& settings) {
  if (const auto completed = run.read_completed()) return {.kind = Outcome::Kind::completed, .exit = 0};
  try {
    return run_attempt(run, settings);
  } catch (const Error& error) {
    try {
      run.event("failed",
                {{"exit", exit_status(error.fault())}, {"reason", error.message()}, {"remedy", error.remedy()}});
    } catch (const Error&) {
      // The disk that is full here is most likely what `error` is about.
    }
    throw;
  }
}

}  // namespace pst::cluster
