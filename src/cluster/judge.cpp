// SPDX-License-Identifier: Apache-2.0
#include "cluster/judge.hpp"

#include <signal.h>

#include "cluster/signals.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::cluster {
namespace {

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
    if (worker_error.starts_with(cat("error[", name_of(fault), "]"))) return fault;
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
    if (line.starts_with("  try: ")) return line.substr(7);
  return {};
}

}  // namespace

// (Measured with 22.05: while the last processes of a job are being ended its
/// state is COMPLETING whatever the cause, and only the reason tells a time limit or a dead node from a cancellation.)
JobEnd job_end(const Ending& ending) {
  if (!ending.job) return JobEnd::none;
  const std::string& state = ending.job->state;
  const std::string& reason = ending.job->reason;
  if (state.starts_with("TIMEOUT") || reason == "TimeLimit") return JobEnd::time_limit;
  if (state.starts_with("NODE_FAIL") || reason == "NodeDown") return JobEnd::node_lost;
  if (state.starts_with("PREEMPTED")) return JobEnd::preempted;
  if (state.starts_with("REQUEUED")) return JobEnd::requeued;
  if (state.starts_with("CANCELLED")) return JobEnd::cancelled;
  if (state.starts_with("COMPLETING") && reason.empty()) return JobEnd::cancelled;
  return JobEnd::none;
}

Outcome judge(const Ending& ending) {
  using Kind = Outcome::Kind;
  if (ending.completed) return {.kind = Kind::completed, .exit = 0};
  if (ending.superseded)
    return {.exit = exit_status(Fault::transient), .reason = "a newer attempt of this run has taken over"};
  const int stopped = exit_status(Fault::stopped);
  const std::string how =
      ending.stopped_by ? cat("stopped by ", signal_name(*ending.stopped_by)) : "stopped on request";
  const Outcome out_of_time = {.exit = stopped,
                               .reason = "the job ran out of time before training was done",
                               .remedy = "peft-studio resume RUN --set slurm.time=HH:MM:SS   with a longer time"};
  if (ending.pause_requested && ending.stopped_by)
    return {.kind = Kind::paused, .exit = stopped, .reason = "paused on request", .remedy = "peft-studio resume RUN"};
  switch (job_end(ending)) {
    case JobEnd::time_limit: return out_of_time;
    case JobEnd::node_lost: return {.exit = exit_status(Fault::transient), .reason = "a node of the job was lost"};
    case JobEnd::preempted: return {.exit = stopped, .reason = "the job was preempted"};
    case JobEnd::requeued: return {.exit = stopped, .reason = "the job was put back into the queue"};
    case JobEnd::cancelled: return {.kind = Kind::cancelled, .exit = stopped, .reason = "the job was cancelled"};
    case JobEnd::none: break;
  }
  const bool by_signal = ending.stopped_by || ending.status == stopped;
  if (by_signal && (ending.cancel_requested || (ending.user_interrupt && ending.stopped_by)))
    return {.kind = Kind::cancelled, .exit = stopped, .reason = how};
  if (ending.stopped_by == SIGUSR2) return out_of_time;
  if (by_signal) return {.exit = stopped, .reason = how};

  const int exit = exit_of(ending);
  if (!ending.noticed.empty() && !cause_in(ending.worker_error))
    return {.exit = exit_status(Fault::transient), .reason = ending.noticed, .report = ending.worker_error};
  if (!ending.worker_error.empty())
    return {.exit = exit == 0 ? exit_status(Fault::bug) : exit,
            .reason = message_of(ending.worker_error),
            .remedy = remedy_of(ending.worker_error),
            .report = ending.worker_error};
  if (!ending.completed_damage.empty()) return {.exit = exit_status(Fault::data), .reason = ending.completed_damage};
  if (ending.status == 0)
    return {.exit = exit_status(Fault::transient),
            .reason =
                "srun or mpirun ended without an error, but training is not done (there is no completed.json): most "
                "likely a node was lost",
            .remedy = "peft-studio resume RUN"};
  Outcome silent{.exit = exit, .reason = cat("the workers ", how_it_ended(ending.status), " without saying why")};
  if (ending.status == 128 + SIGKILL) {
    silent.reason += "; most often that is the kernel, which was out of memory";
    silent.remedy =
        "`sacct -j JOB --format=JobID,State,MaxRSS` and `dmesg` on the node tell; then raise slurm.mem or use "
        "smaller micro batches (`peft-studio plan` says what is needed). Else somebody sent it: kill -9, scancel "
        "--signal=KILL";
  }
  return silent;
}

End end_of(const Ending& ending, const Outcome& outcome) {
  if (outcome.kind == Outcome::Kind::completed) return End::completed;
  if (ending.superseded) return End::superseded;
  if (outcome.kind == Outcome::Kind::paused) return End::paused;
  if (outcome.kind == Outcome::Kind::cancelled) return End::cancelled;
  switch (job_end(ending)) {
    case JobEnd::time_limit: return End::out_of_time;
    case JobEnd::node_lost:
    case JobEnd::preempted: return End::preempted;
    case JobEnd::requeued: return End::requeued;
    case JobEnd::cancelled: return End::cancelled;
    case JobEnd::none: break;
  }
  if (ending.stopped_by == SIGUSR2) return End::out_of_time;
  if (outcome.exit == exit_status(Fault::stopped)) return End::preempted;  // whoever it was gave no reason
  return End::failed;
}

bool is_explained(const Ending& ending) { return cause_in(ending.worker_error).has_value(); }

bool is_stop_of_unknown_cause(const Ending& ending) {
  if (ending.completed || ending.cancel_requested || ending.pause_requested || ending.stopped_by == SIGUSR2)
    return false;
  if (cause_in(ending.worker_error) || !ending.noticed.empty()) return false;
  return ending.stopped_by || ending.status == exit_status(Fault::stopped) || ending.status == 128 + SIGTERM ||
         ending.status == 128 + SIGKILL;
}

}  // namespace pst::cluster
