// SPDX-License-Identifier: Apache-2.0
#include "cluster/attempt_watch.hpp"

#include <signal.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "rundir/run_state.hpp"

namespace pst::cluster {
namespace {

using heartbeat::Phase;
using heartbeat::RankSigns;

constexpr double kTick_s = 0.1, kOnTick_s = 0.5, kRenew_s = 2, kLookForResult_s = 0.5;

bool is_lost(const RankSigns& rank, double now, const Patience& patience) {
  return !rank.host.empty() && !rank.connected && rank.phase != Phase::finishing &&
         now - rank.left_at > patience.lost_after;
}

bool is_silent(const RankSigns& rank, double now, const Patience& patience) {
  return rank.connected && now - rank.heard_at > patience.silent_after;
}

std::string who(const std::vector<int>& ranks, const std::vector<RankSigns>& signs) {
  const auto& first = signs[static_cast<std::size_t>(ranks.front())];
  const std::string where = first.host.empty() ? "" : " on " + first.host;
  if (ranks.size() == 1) return cat("rank ", ranks.front(), where);
  return cat(ranks.size(), " ranks, the first ", ranks.front(), where, ",");
}

}  // namespace

AttemptWatch::AttemptWatch(const rundir::RunDir& run, const WatchSettings& settings, heartbeat::Listener& listener,
                           SignalQueue& signals, Child& workers)
    : run_(run),
      settings_(settings),
      patience_(after_failures(settings.patience, settings.failures_before)),
      listener_(listener),
      signals_(signals),
      workers_(workers),
      progress_(patience_) {
  seen_.ending.user_interrupt = settings.user_interrupt;
}

AttemptWatch::~AttemptWatch() {
  for (auto& helper : helpers_) helper.join();
}

Seen AttemptWatch::watch() {
  double on_tick_at = 0, renew_at = 0;
  while (stage_ != Stage::ended) {
    const double now = monotonic_seconds();
    if (const auto status = workers_.poll()) {
      seen_.ending.status = *status;
      ranks_ = listener_.ranks();
      happen(Happening::launcher_left);
      break;
    }
    if (now >= on_tick_at) {
      settings_.on_tick();
      on_tick_at = now + kOnTick_s;
    }
    if (now >= renew_at) {
      try {
        settings_.renew_lease();
      } catch (const Error&) {
        seen_.ending.superseded = true;
        happen(Happening::superseded);
      }
      renew_at = now + kRenew_s;
    }
    look_at_ranks(now);
    look_for_result(now);
    if (timer_ && now >= *timer_) {
      timer_.reset();
      happen(Happening::time_over);
    }
    if (const auto signal = signals_.wait(kTick_s)) take_signal(*signal);
  }
  if (!seen_.fault && seen_.ending.status != 0 && !seen_.ending.stopped_by) note_who_left_first();
  const auto state = rundir::read_state(run_);
  seen_.ending.cancel_requested = state.cancel_requested;
  seen_.ending.pause_requested = state.pause_requested;
  return seen_;
}

void AttemptWatch::happen(Happening happening) {
  const Reaction reaction = react(stage_, happening);
  stage_ = reaction.stage;
  switch (reaction.act) {
    case Act::nothing:
    case Act::conclude: return;
    case Act::order_stop: return stop();
    case Act::kill: return kill();
    case Act::linger: timer_ = monotonic_seconds() + patience_.linger; return;
  }
}

void AttemptWatch::look_at_ranks(double now) {
  ranks_ = listener_.ranks();
  progress_.look(ranks_, now);
  if (progress_.step() > settings_.newest_step) {
    patience_ = settings_.patience;
    progress_.set_patience(patience_);
  }
  if (stage_ != Stage::starting && stage_ != Stage::running && stage_ != Stage::stopping) return;
  std::vector<int> lost, silent;
  bool all_train = true;
  for (std::size_t i = 0; i < ranks_.size(); ++i) {
    if (is_lost(ranks_[i], now, patience_)) lost.push_back(static_cast<int>(i));
    if (is_silent(ranks_[i], now, patience_)) silent.push_back(static_cast<int>(i));
    const Phase phase = ranks_[i].phase;
    all_train &= phase != Phase::starting && phase != Phase::studying && phase != Phase::joining;
  }
  if (const auto absent = absent_ranks(now); !absent.empty() && silent.empty() && lost.empty())
    note(Happening::rank_silent, absent, "has not come", first_heard_at_);
  if (all_train && stage_ == Stage::starting) happen(Happening::ranks_ready);
  if (!silent.empty()) {
    // All that will be found silent in a moment, too: the ranks of a node die within a beat of one another.
    for (std::size_t i = 0; i < ranks_.size(); ++i)
      if (ranks_[i].connected && now - ranks_[i].heard_at > patience_.silent_after - 1.5 &&
          std::find(silent.begin(), silent.end(), static_cast<int>(i)) == silent.end())
        silent.push_back(static_cast<int>(i));
    const double since = ranks_[static_cast<std::size_t>(silent.front())].heard_at;
    note(Happening::rank_silent, silent, "has not been heard", since);
  } else if (!lost.empty()) {
    note(Happening::rank_lost, lost, "ended without a word", ranks_[static_cast<std::size_t>(lost.front())].left_at);
  } else if (progress_.is_over(now)) {
    seen_.deadline_s = progress_.deadline_s();
    note(Happening::no_progress, {}, "", progress_.moved_at());
  }
}

/// Where a node died unnoticed before the start, srun waits for it, and so do the other ranks.
std::vector<int> AttemptWatch::absent_ranks(double now) {
  std::vector<int> absent;
  for (std::size_t i = 0; i < ranks_.size(); ++i) {
    if (ranks_[i].host.empty())
      absent.push_back(static_cast<int>(i));
    else if (first_heard_at_ == 0)
      first_heard_at_ = now;
  }
  if (first_heard_at_ == 0 || now - first_heard_at_ < patience_.come_within) return {};
  return absent;
}

void AttemptWatch::note(Happening fault, std::vector<int> ranks, const std::string& what, double since) {
  if (react(stage_, fault).act == Act::nothing) return;
  const double now = monotonic_seconds();
  if (!seen_.fault) {
    seen_.fault = fault;
    seen_.ranks = ranks;
    for (const int rank : ranks) {
      const auto& host = ranks_[static_cast<std::size_t>(rank)].host;
      if (!host.empty() && std::find(seen_.hosts.begin(), seen_.hosts.end(), host) == seen_.hosts.end())
        seen_.hosts.push_back(host);
    }
    seen_.noticed_after_s = now - since;
    seen_.ending.noticed = fault == Happening::no_progress
                               ? cat("nothing has moved for ", fixed(now - since, 0), " s, while step ",
                                     progress_.step(), " was the newest (deadline ", fixed(seen_.deadline_s, 0), " s)")
                               : cat(who(ranks, ranks_), " ", what,
                                     fault == Happening::rank_silent ? cat(" for ", fixed(now - since, 1), " s") : "");
    settings_.on_fault(seen_);
  }
  happen(fault);
}

/// PMIx may end the step before we see why: then the rank whose connection ended first is the one that failed.
void AttemptWatch::note_who_left_first() {
  int first = -1;
  for (std::size_t i = 0; i < ranks_.size(); ++i) {
    const auto& rank = ranks_[i];
    if (rank.host.empty() || rank.connected) continue;
    if (first < 0 || rank.left_at < ranks_[static_cast<std::size_t>(first)].left_at) first = static_cast<int>(i);
  }
  if (first < 0) return;
  const auto& rank = ranks_[static_cast<std::size_t>(first)];
  seen_.fault = Happening::rank_lost;
  seen_.ranks = {first};
  seen_.hosts = {rank.host};
  seen_.noticed_after_s = monotonic_seconds() - rank.left_at;
  settings_.on_fault(seen_);
}

void AttemptWatch::look_for_result(double now) {
  if (stage_ == Stage::lingering || stage_ == Stage::killing || now - result_looked_at_ < kLookForResult_s) return;
  result_looked_at_ = now;
  std::error_code ignored;
  if (!std::filesystem::exists(run_.root() / "completed.json", ignored)) return;
  try {
    const auto completed = run_.read_completed();
    if (completed && completed->attempt == settings_.attempt) happen(Happening::result_proved);
  } catch (const Error&) {
    // Not valid: the judge says so when the workers have ended.
  }
}

void AttemptWatch::take_signal(int number) {
  if (number == SIGCHLD) return;
  if (number == SIGINT && ++interrupts_ > 1) return happen(Happening::impatience);
  if (!seen_.ending.stopped_by) seen_.ending.stopped_by = number;
  stop_signal_ = number;
  happen(Happening::asked_to_stop);
}

void AttemptWatch::stop() {
  listener_.order(heartbeat::Order::stop);
  workers_.signal(stop_signal_ == SIGUSR2 ? SIGUSR2 : settings_.polite_signal);
  const double deadline = monotonic_seconds() + grace_s();
  timer_ = timer_ ? std::min(*timer_, deadline) : deadline;
}

/// A pause has time: nothing ends behind it but what the user waits for.
double AttemptWatch::grace_s() const {
  if (stop_signal_ != SIGUSR2) return patience_.grace;
  const auto state = rundir::read_state(run_);
  if (!state.pause_requested) return patience_.warning_grace;
  return state.pause_now ? patience_.pause_now_grace : progress_.step_and_save_s();
}

/// Three ways, each for what the one before cannot reach: an order to whoever listens (in milliseconds, also where the
/// node's slurmstepd is dead), Slurm for ranks that are stopped or stuck, SIGKILL for the launcher itself.
void AttemptWatch::kill() {
  if (seen_.fault == Happening::no_progress && kills_ == 0) {
    listener_.order(heartbeat::Order::stacks);
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
  }
  listener_.order(heartbeat::Order::die);
  end_step_aside();
  if (++kills_ > 1 || settings_.user_interrupt) workers_.signal_group(SIGKILL);
  timer_ = monotonic_seconds() + patience_.kill;
}

/// Slurm's controller may take its time; the clock of this attempt does not wait for it.
void AttemptWatch::end_step_aside() {
  if (kills_ > 3 || !settings_.end_step) return;
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  helpers_.emplace_back([this] { settings_.end_step(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace pst::cluster
