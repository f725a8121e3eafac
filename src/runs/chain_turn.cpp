// SPDX-License-Identifier: Apache-2.0
#include "runs/chain_turn.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

#include "cluster/slurm.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "json/record.hpp"
#include "rundir/lease.hpp"

namespace pst::runs {
namespace {

using rundir::RunDir;
using rundir::RunState;
using rundir::State;

/// Asks again and again, since a network file system shows a file some seconds late.
template <class Good>
RunState read_until(const RunDir& run, double patience_s, Good good) {
  const double deadline = monotonic_seconds() + patience_s;
  for (;;) {
    RunState state = rundir::read_state(run);
    if (good(state) || monotonic_seconds() > deadline) return state;
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
}

}  // namespace

ChainTurn::ChainTurn(const RunDir& run, const std::vector<std::string>& chain, std::string job)
    : run_(run), job_(std::move(job)) {
  const auto mine = std::find(chain.begin(), chain.end(), job_);
  if (mine == chain.end()) return;
  former_.assign(chain.begin(), mine);
  later_.assign(mine + 1, chain.end());
}

std::optional<std::string> ChainTurn::next() const {
  try {
    const auto states = cluster::job_states(later_);
    for (const auto& job : later_)
      if (const auto state = states.find(job); state != states.end() && cluster::is_active(state->second)) return job;
  } catch (const Error&) {
    // Slurm does not answer; what was queued is most likely still there, and finds its turn by itself.
    return later_.empty() ? std::nullopt : std::optional(later_.front());
  }
  return std::nullopt;
}

void ChainTurn::hand_on(const std::string& job) const { run_.try_event("job-changed", {{"job_id", job}}); }

void ChainTurn::take_lease_over() const {
  auto lease = rundir::read_lease(run_);
  if (!lease || std::find(former_.begin(), former_.end(), lease->job_id) == former_.end()) return;
  lease->renewed = 0;
  rundir::write_lease(run_, *lease);
}

void ChainTurn::drop_the_rest() const {
  try {
    cluster::cancel(later_);
  } catch (const Error&) {
    // They start, see how the run has ended, and end as well.
  }
}

std::optional<std::string> nothing_to_do(const RunState& state, bool is_chained) {
  if (state.state == State::completed) return "completed already";
  if (!is_chained || !rundir::is_final(state.state)) return std::nullopt;
  return cat(rundir::name_of(state.state), state.reason.empty() ? "" : ": " + state.reason);
}

std::optional<RunState> last_word_since(const RunDir& run, double unix_s) {
  const std::string since = iso_time(unix_s);
  const auto events = run.read_events();
  for (auto event = events.rbegin(); event != events.rend(); ++event) {
    const std::string kind = json::text_of(*event, "event");
    if (kind == "started" || json::text_of(*event, "t") < since) return std::nullopt;
    for (const char* word : {"requeued", "paused", "cancelled", "failed", "completed"})
      if (kind == word) return rundir::read_state(run);
  }
  return std::nullopt;
}

RunState await_submission(const RunDir& run, const std::string& job, double patience_s) {
  return read_until(run, patience_s, [&](const RunState& state) {
    return state.job_id == job || std::find(state.chain.begin(), state.chain.end(), job) != state.chain.end();
  });
}

void refuse_unless_completed(const RunDir& before, const RunDir& run, double patience_s) {
  const auto is_there = [](const RunState& state) { return rundir::is_final(state.state); };
  const RunState state = read_until(before, patience_s, is_there);
  if (state.state == State::completed) return;
  throw Error(Fault::data,
              cat("run ", before.root().string(), ", which this one comes after, is ", rundir::name_of(state.state),
                  state.reason.empty() ? "" : ": " + state.reason.substr(0, state.reason.find('\n'))),
              cat("peft-studio resume ", shell_quoted(before.root().string()), "   and then  peft-studio resume ",
                  shell_quoted(run.root().string())));
}

}  // namespace pst::runs
