// SPDX-License-Identifier: Apache-2.0
#include "cluster/supervisor.hpp"

#include <signal.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "cluster/attempt_watch.hpp"
#include "cluster/child.hpp"
#include "cluster/chronicle.hpp"
#include "cluster/monitor_process.hpp"
#include "cluster/process_mark.hpp"
#include "cluster/roll_call.hpp"
#include "cluster/signals.hpp"
#include "cluster/worker_logs.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "rundir/attempt.hpp"
#include "rundir/lease.hpp"
#include "rundir/run_state.hpp"
#include "rundir/unfit.hpp"

namespace pst::cluster {
namespace {

using rundir::RunDir;
using Names = std::vector<std::string>;

constexpr double kDiskIsBackWithin_s = 600, kDiskLook_s = 1;
constexpr double kRanksGoWithin_s = 3, kWatcherTick_s = 1;

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

bool contains(const Names& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::int64_t newest_step(const std::vector<AttemptEnd>& history) {
  std::int64_t newest = 0;
  for (const AttemptEnd& end : history) newest = std::max(newest, end.step);
  return newest;
}

/// Sees a run through, attempt by attempt.
class Supervision {
 public:
  /// @param monitor  nullptr: none
  Supervision(const RunDir& run, const SuperviseSettings& settings, MonitorProcess* monitor)
      : run_(run),
        settings_(settings),
        monitor_(monitor),
        listener_(settings.reach, host_name(), run.root() / "heartbeat"),
        nodes_(node_records(run, settings.nodes)),
        history_(attempts_so_far(run)),
        roll_call_(settings.hands.answers) {}

  Outcome see_through() {
    Names nodes = choose_nodes(means(settings_.nodes_wanted));
    for (;;) {
      const int attempt = begin_when_possible(nodes);
      Seen seen = run_attempt(attempt);
      const Outcome outcome = conclude(attempt, nodes, seen);
      const Decision next = decide(history_, means(static_cast<int>(nodes.size())), nodes);
      if (next.kind != Decision::Kind::relaunch) return finish(attempt, seen.ending, outcome, next);
      record_relaunch(run_, attempt + 1, next, nodes);
      nodes = next.nodes;
    }
  }

 private:
  Means means(int nodes_used) const {
    return {.slurm = settings_.job_id.has_value(),
            .nodes = nodes_,
            .nodes_wanted = settings_.nodes_wanted,
            .nodes_used = nodes_used,
            .may_shrink = settings_.may_shrink,
            .max_restarts = settings_.max_restarts};
  }

  /// A full disk is somebody's to clear, and no reason to give an allocation back at once.
  /// @throws Error as begin() when it stays so, or somebody asks us to stop meanwhile
  int begin_when_possible(const Names& nodes) {
    const double deadline = monotonic_seconds() + kDiskIsBackWithin_s;
    for (bool told = false;; told = true) try {
        return begin(nodes);
      } catch (const Error& error) {
        if (error.fault() != Fault::io || monotonic_seconds() > deadline) throw;
        if (!told) run_.try_event("waiting-for-disk", {{"reason", error.message()}, {"remedy", error.remedy()}});
        settings_.on_tick();
        if (const auto signal = signals_.wait(kDiskLook_s); signal && *signal != SIGCHLD) throw;
      }
  }

  /// From the folder's creation on, workers of any older attempt may commit nothing.
  int begin(const Names& nodes) {
    const int attempt = run_.begin_attempt();
    try {
      prepare(attempt, nodes);
    } catch (const Error&) {  // nobody has seen it yet
      std::error_code ignored;
      std::filesystem::remove_all(run_.attempt(attempt), ignored);
      throw;
    }
    return attempt;
  }

  void prepare(int attempt, const Names& nodes) {
    roll_call_.forget();
    launch_ = settings_.launch(attempt, nodes);
    listener_.begin(attempt, launch_.ranks);
    heartbeat::write_endpoint(run_.heartbeat_file(attempt), listener_.endpoint());
    renew_lease(attempt);
    record_ = {.number = attempt,
               .launcher = launch_.launcher,
               .job_id = settings_.job_id,
               .hosts = nodes.empty() ? settings_.host : join(nodes, ","),
               .ranks = launch_.ranks,
               .nodes = nodes,
               .blamed = {},
               .started = iso_time(unix_seconds()),
               .supervisor = own_mark()};
    rundir::write_attempt(run_, record_);
  }

  void renew_lease(int attempt) {
    rundir::check_generation(run_, attempt);
    try {
      rundir::write_lease(run_, {.generation = attempt,
                                 .holder = own_mark(),
                                 .job_id = settings_.job_id.value_or(""),
                                 .renewed = unix_seconds()});
    } catch (const Error&) {
      // A full disk: the generation, not the time in this file, keeps an older attempt from writing.
    }
  }

  Seen run_attempt(int attempt) {
    Child workers(launch_.child);
    run_.try_event("started", {{"attempt", attempt}, {"ranks", launch_.ranks}, {"hosts", record_.hosts}});
    WatchSettings watch{.attempt = attempt,
                        .patience = settings_.patience,
                        .failures_before = history_.empty() ? 0 : failures_at_same_step(history_),
                        .newest_step = newest_step(history_),
                        .polite_signal = launch_.polite_signal,
                        .on_tick = [&] { tick(attempt); },
                        .renew_lease = [&] { renew_lease(attempt); },
                        .on_fault =
                            [&](const Seen& seen) {
                              record_fault(run_, attempt, seen);
                              for (const auto& host : seen.hosts) ask(host);
                              for (const auto& spare : idle_nodes()) ask(spare);
                            },
                        .end_step = {},
                        .user_interrupt = !settings_.job_id};
    if (settings_.hands.end_step) watch.end_step = [&] { settings_.hands.end_step(attempt); };
    Seen seen = AttemptWatch(run_, watch, listener_, signals_, workers).watch();
    roll_call_.settle();  // who asks is a descendant of ours as well, and would end with the workers' leavings
    return seen;
  }  // whatever the workers left behind on this machine is gone from here on

  void tick(int attempt) {
    settings_.on_tick();
    if (monitor_ != nullptr) monitor_->look();
    if (!settings_.hands.keep_watcher || monotonic_seconds() < watcher_at_) return;
    settings_.hands.keep_watcher(listener_, attempt, nodes_);
    watcher_at_ = monotonic_seconds() + kWatcherTick_s;
  }

  Outcome conclude(int attempt, const Names& nodes, Seen& seen) {
    settings_.on_tick();
    look_at_results(attempt, seen.ending);
    Outcome outcome = judge(seen.ending);
    const bool silent = outcome.kind == Outcome::Kind::failed && outcome.report.empty();
    const std::string crash = silent ? worker_crash(run_.attempt(attempt)) : std::string();
    if (!crash.empty()) {
      outcome.reason = crash;
      outcome.remedy = "if it happens again, tell us, with that log; on one node only, suspect its memory";
    } else if (silent && seen.ending.status != 0) {
      const std::string words = launcher_words(run_.attempt(attempt), 3);
      if (!words.empty()) outcome.reason += cat("; its last words: ", join(split(words, '\n'), " | "));
      const std::string complaint = launch_complaint(run_.attempt(attempt));
      if (!complaint.empty() && seen.ending.noticed.empty()) {
        outcome.reason = cat("the workers were not started: ", complaint);
        outcome.remedy = "slurmd's log on that node says why; after a requeue it may be a socket that a dead job left";
      }
    }
    AttemptEnd end{.end = end_of(seen.ending, outcome),
                   .exit = outcome.exit,
                   .step = step_at_end(run_, attempt),
                   .node_lost = false};
    if (end.end == End::failed) {
      await_ranks_gone();
      const Names refused = nodes_not_launched_on(run_.attempt(attempt));
      const Names dead = dead_among(suspects(seen, nodes, refused));
      end.node_lost = !dead.empty();
      if (const auto unfit = rundir::read_unfit(run_, attempt)) end.unfit = unfit->nodes;
      blame(seen, outcome, dead, refused, end.unfit);
      record_dead_nodes(run_, attempt, dead);
    }
    history_.push_back(end);
    record_attempt(run_, attempt, end, outcome);
    return outcome;
  }

  void look_at_results(int attempt, Ending& ending) {
    try {
      const auto completed = run_.read_completed();
      ending.completed = completed && completed->attempt == attempt;
    } catch (const Error& error) {
      ending.completed_damage = error.message();
    }
    ending.worker_error = worker_error(run_.attempt(attempt));
    if (!ending.completed && settings_.job_id && !ending.pause_requested)
      ending.job = ask_slurm(*settings_.job_id, is_stop_of_unknown_cause(ending) ? 4 : 0);
  }

  /// Until the old ranks have left, a new one could not have their memory and their GPUs. Those of a node that nobody
  /// reaches leave later, by themselves.
  void await_ranks_gone() {
    listener_.order(heartbeat::Order::die);
    const double deadline = monotonic_seconds() + kRanksGoWithin_s;
    const auto is_there = [&](const heartbeat::RankSigns& rank) {
      return rank.connected && monotonic_seconds() - rank.heard_at < settings_.patience.silent_after;
    };
    for (;;) {
      const auto ranks = listener_.ranks();
      if (std::none_of(ranks.begin(), ranks.end(), is_there) || monotonic_seconds() > deadline) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }

  /// The nodes that a fault was seen on, those that the launcher says it could not start on, and, unless a worker said
  /// what is wrong, those that were not heard: a rank that was, and was ended for the sake of a dead node, hides that
  /// node otherwise. With them the idle ones, of which one would be next.
  Names suspects(const Seen& seen, const Names& nodes, const Names& refused) const {
    Names found = seen.hosts;
    found.insert(found.end(), refused.begin(), refused.end());
    if (!is_explained(seen.ending)) {
      Names unheard = nodes;
      for (const auto& rank : listener_.ranks()) std::erase(unheard, rank.host);
      found.insert(found.end(), unheard.begin(), unheard.end());
    }
    if (std::any_of(found.begin(), found.end(), [&](const std::string& node) { return may_be_asked(node); }))
      for (auto& spare : idle_nodes()) found.push_back(std::move(spare));
    return found;
  }

  /// Of the job, without a part in this attempt, and not yet known to be dead.
  Names idle_nodes() const {
    Names idle;
    for (const auto& node : nodes_)
      if (node.reachable && !contains(record_.nodes, node.name)) idle.push_back(node.name);
    return idle;
  }

  /// Of the job's nodes all but the first, which is ours.
  bool may_be_asked(const std::string& node) const {
    return contains(settings_.nodes, node) && node != settings_.nodes.front();
  }
  void ask(const std::string& node) {
    if (may_be_asked(node)) roll_call_.ask(node);
  }

  Names dead_among(const Names& candidates) {
    for (const auto& node : candidates) ask(node);
    Names dead;
    for (auto& node : nodes_) {
      if (!contains(candidates, node.name) || !may_be_asked(node.name)) continue;
      node.reachable = roll_call_.answers(node.name);
      if (!node.reachable) dead.push_back(node.name);
    }
    return dead;
  }

  /// A node is blamed for being dead or silent, and doubly for being unfit, or alive and yet nothing could be started
  /// there. A rank that crashed says nothing about it.
  void blame(const Seen& seen, const Outcome& outcome, const Names& dead, const Names& refused,
             const Names& unfit_nodes) {
    const bool unfit = outcome.exit == exit_status(Fault::unfit);
    for (auto& node : nodes_) {
      // Where the workers named the unfit, whoever happened to leave first is none of them.
      const bool suspect =
          contains(seen.hosts, node.name) && ((unfit && unfit_nodes.empty()) || seen.fault == Happening::rank_silent);
      const bool is_refused = contains(refused, node.name) && !contains(dead, node.name);
      if (!suspect && !is_refused && !contains(dead, node.name) && !contains(unfit_nodes, node.name)) continue;
      node.blamed += unfit || is_refused ? kTooOftenBlamed : 1;
      record_.blamed.push_back(node.name);
    }
    if (!record_.blamed.empty()) rundir::write_attempt(run_, record_);
  }

  Outcome finish(int attempt, const Ending& ending, Outcome outcome, const Decision& next) {
    if (next.kind == Decision::Kind::requeue) {
      outcome.kind = Outcome::Kind::requeued;
      outcome.exit = next.exit;
      outcome.reason = next.reason;
      outcome.remedy.clear();
      outcome.report.clear();
    } else if (next.kind == Decision::Kind::give_up) {
      outcome.exit = next.exit;
      if (!next.reason.empty()) outcome.reason = next.reason + (outcome.reason.empty() ? "" : ": " + outcome.reason);
      const bool both = !next.reason.empty() && !outcome.remedy.empty();
      if (!next.remedy.empty()) outcome.remedy = both ? cat(outcome.remedy, "; ", next.remedy) : next.remedy;
    }
    if (ending.superseded) return outcome;  // the run is somebody else's now, its events too
    record_outcome(run_, attempt, ending, outcome, history_.back().step);
    give_lease_back(attempt);
    return outcome.kind == Outcome::Kind::requeued ? requeued(attempt, ending, outcome) : outcome;
  }

  void give_lease_back(int attempt) {
    try {
      rundir::write_lease(run_, {.generation = attempt, .holder = own_mark(), .job_id = "", .renewed = 0});
    } catch (const Error&) {
      // It becomes stale by itself.
    }
  }

  Outcome requeued(int attempt, const Ending& ending, Outcome outcome) {
    if (job_end(ending) == JobEnd::requeued) return outcome;  // Slurm is at it, and refuses to be told twice
    try {
      if (settings_.hands.requeue) settings_.hands.requeue();
    } catch (const Error& error) {
      outcome.kind = Outcome::Kind::failed;
      outcome.reason += "; " + error.message();
      outcome.remedy = error.remedy();
      record_outcome(run_, attempt, ending, outcome, history_.back().step);
    }
    return outcome;
  }

  const RunDir& run_;
  const SuperviseSettings& settings_;
  MonitorProcess* monitor_;
  SignalQueue signals_{SIGTERM, SIGINT, SIGHUP, SIGUSR2, SIGCHLD};  // from before any start: none is lost
  heartbeat::Listener listener_;
  std::vector<NodeRecord> nodes_;
  std::vector<AttemptEnd> history_;
  RollCall roll_call_;
  Launch launch_;
  rundir::AttemptRecord record_;
  double watcher_at_ = 0;
};

}  // namespace

Outcome supervise(const RunDir& run, const SuperviseSettings& settings) {
  if (const auto completed = run.read_completed()) return {.kind = Outcome::Kind::completed, .exit = 0};
  rundir::refuse_when_held(run, settings.job_id.value_or(""),
                           [](const rundir::ProcessMark& holder) { return life_of(holder) == Life::gone; });
  std::optional<MonitorProcess> monitor;  // outlives all that follows: its last look is at the run's end
  if (settings.monitor) monitor.emplace(run, *settings.monitor);
  try {
    return Supervision(run, settings, monitor ? &*monitor : nullptr).see_through();
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
