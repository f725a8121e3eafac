// SPDX-License-Identifier: Apache-2.0
#include "runs/run_rows.hpp"

#include "core/error.hpp"
#include "core/strings.hpp"
#include "rundir/sweep_dir.hpp"
#include "runs/run_monitor.hpp"

namespace pst::runs {
namespace {

using nlohmann::ordered_json;
using rundir::State;

ordered_json or_null(const std::optional<double>& value) { return value ? ordered_json(*value) : ordered_json(); }

std::string or_dash(const std::optional<double>& value, int digits) { return value ? fixed(*value, digits) : "-"; }

std::optional<double> training_loss(const RunRow& row) {
  if (row.completed) return row.completed->train_loss;
  return row.progress ? row.progress->loss : std::nullopt;
}

std::optional<double> seconds_left(const RunRow& row) {
  return row.live.run.state == State::running && row.progress ? row.progress->seconds_left : std::nullopt;
}

ordered_json alerts_json(const std::vector<rundir::RunState::Alert>& alerts) {
  ordered_json all = ordered_json::array();
  for (const auto& alert : alerts)
    all.push_back({{"alert", alert.name}, {"severity", alert.severity}, {"what", alert.what}});
  return all;
}

std::optional<rundir::Completed> read_completed(const rundir::RunDir& run) {
  try {
    return run.read_completed();
  } catch (const Error&) {
    return std::nullopt;  // the state says why
  }
}

}  // namespace

std::vector<RunRow> look_at(const std::vector<rundir::RunDir>& runs) {
  const auto live = live_states(runs);
  std::vector<RunRow> rows;
  for (std::size_t i = 0; i < runs.size(); ++i)
    rows.push_back({runs[i], live[i], RunMonitor(runs[i]).poll(),
                    live[i].run.state == State::completed ? read_completed(runs[i]) : std::nullopt});
  return rows;
}

std::optional<double> validation_loss(const RunRow& row) {
  if (row.completed) return row.completed->validation_loss_after;
  return row.progress ? row.progress->validation_loss : std::nullopt;
}

ordered_json to_json(const RunRow& row) {
  const auto progress = row.progress.value_or(Progress{});
  const auto sweep = rundir::sweep_of(row.run);
  const std::string folder = row.run.root().filename().string();
  return {{"run", folder},
          {"sweep", sweep ? ordered_json(sweep->root().filename().string()) : ordered_json()},
          {"folder", row.run.root().string()},
          {"state", rundir::name_of(row.live.run.state)},
          {"reason", row.live.run.reason},
          {"step", progress.step},
          {"total_steps", progress.total_steps},
          {"loss", or_null(training_loss(row))},
          {"validation_loss", or_null(validation_loss(row))},
          {"tokens_per_s", or_null(progress.tokens_per_s)},
          {"seconds", row.completed ? ordered_json(row.completed->seconds) : ordered_json()},
          {"seconds_left", or_null(seconds_left(row))},
          {"job_id", row.live.run.job_id ? ordered_json(*row.live.run.job_id) : ordered_json()},
          {"jobs", row.live.run.chain.empty() && row.live.run.job_id ? ordered_json::array({*row.live.run.job_id})
                                                                     : ordered_json(row.live.run.chain)},
          {"attempt", row.live.run.attempt},
          {"alerts", alerts_json(row.live.run.alerts)}};
}

std::string step_cell(const RunRow& row) {
  return row.progress ? cat(row.progress->step, "/", row.progress->total_steps) : "-";
}

std::string loss_cell(const RunRow& row) { return or_dash(training_loss(row), 3); }

std::string validation_cell(const RunRow& row) { return or_dash(validation_loss(row), 4); }

std::string time_cell(const RunRow& row) {
  if (row.completed) return human_seconds(row.completed->seconds);
  const auto left = seconds_left(row);
  return left ? cat(human_seconds(*left), " left") : "-";
}

std::string reason_cell(const RunRow& row) {
  std::string reason = row.live.run.reason.substr(0, row.live.run.reason.find('\n'));
  if (reason.empty() && !row.live.run.alerts.empty()) {
    std::vector<std::string> names;
    for (const auto& alert : row.live.run.alerts) names.push_back(alert.name);
    reason = "alert: " + join(names, ", ");
  }
  return reason;
}

}  // namespace pst::runs
