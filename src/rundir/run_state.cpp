// SPDX-License-Identifier: Apache-2.0
#include "rundir/run_state.hpp"

#include "core/error.hpp"
#include "core/strings.hpp"
#include "json/record.hpp"

namespace pst::rundir {
namespace {

using json::text_of;
using nlohmann::ordered_json;

int number_or(const ordered_json& event, const char* key, int otherwise) {
  return static_cast<int>(json::integer(event, key).value_or(otherwise));
}

void apply(const ordered_json& event, RunState& run) {
  const std::string kind = text_of(event, "event");
  if (kind == "submitted") {
    run = {.state = State::submitted,
           .job_id = text_of(event, "job_id"),
           .attempt = run.attempt,
           .chain = json::texts_of(event, "chain"),
           .after = text_of(event, "after")};
  } else if (kind == "job-changed") {
    run.job_id = text_of(event, "job_id");
  } else if (kind == "started") {
    run.state = State::running;
    run.reason.clear();
    run.attempt = number_or(event, "attempt", run.attempt);
  } else if (kind == "cancel-requested") {
    run.cancel_requested = true;
  } else if (kind == "pause-requested") {
    run.pause_requested = true;
    run.pause_now = run.pause_now || json::is_true(event, "now");
  } else if (kind == "paused") {
    run.state = State::paused;
    run.reason = text_of(event, "reason");
    run.exit = exit_status(Fault::stopped);
  } else if (kind == "resumed") {
    run = {.state = State::submitted, .attempt = run.attempt};
  } else if (kind == "requeued") {
    run.state = State::requeued;
    run.reason = text_of(event, "reason");
  } else if (kind == "failed") {
    run.state = State::failed;
    run.reason = text_of(event, "reason");
    run.remedy = text_of(event, "remedy");
    run.exit = number_or(event, "exit", exit_status(Fault::transient));
  } else if (kind == "cancelled") {
    run.state = State::cancelled;
    run.reason = text_of(event, "reason");
    run.exit = exit_status(Fault::stopped);
  } else if (kind == "alert") {
    const std::string name = text_of(event, "alert");
    std::erase_if(run.alerts, [&](const RunState::Alert& alert) { return alert.name == name; });
    if (text_of(event, "state") == "firing")
      run.alerts.push_back({name, text_of(event, "severity"), text_of(event, "what")});
  } else if (kind == "completed") {
    // Proved by the file below; without it this event is a claim that something took back.
    run.state = State::failed;
    run.reason = "the run ended as completed, but completed.json is missing";
    run.exit = exit_status(Fault::data);
  }
}

}  // namespace

const char* name_of(State state) {
  switch (state) {
    case State::unknown: return "unknown";
    case State::submitted: return "submitted";
    case State::pending: return "pending";
    case State::running: return "running";
    case State::paused: return "paused";
    case State::requeued: return "requeued";
    case State::completed: return "completed";
    case State::failed: return "failed";
    case State::cancelled: return "cancelled";
  }
  return "unknown";
}

bool is_final(State state) {
  return state == State::completed || state == State::failed || state == State::cancelled || state == State::paused;
}

RunState read_state(const RunDir& run) {
  RunState state;
  try {
    run.for_each_event([&](const ordered_json& event) { apply(event, state); });
  } catch (const Error& error) {  // one run of many in a list, and not always ours
    state = {.state = State::unknown, .reason = error.message()};
  }
  try {
    if (const auto completed = run.read_completed()) {
      state.state = State::completed;
      state.reason = completed->ended_early.empty() ? "" : cat("stopped early: ", completed->ended_early);
      state.exit = 0;
    }
  } catch (const Error& error) {
    state.state = State::failed;
    state.reason = error.message();
    state.exit = exit_status(error.fault());
  }
  if (is_final(state.state)) state.alerts.clear();
  if (state.state == State::unknown && state.reason.empty()) state.reason = "nothing was submitted or started yet";
  return state;
}

std::optional<fs::path> newest_node_logs(const RunDir& run) {
  const int attempt = run.last_attempt();
  if (attempt == 0) return std::nullopt;
  return run.attempt(attempt) / "nodes";
}

}  // namespace pst::rundir
