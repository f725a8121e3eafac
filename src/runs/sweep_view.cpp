// SPDX-License-Identifier: Apache-2.0
#include "runs/sweep_view.hpp"

#include <map>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "json/parse.hpp"
#include "runs/live_state.hpp"
#include "runs/run_monitor.hpp"

namespace pst::runs {
namespace {

using nlohmann::ordered_json;
using rundir::State;

std::optional<std::size_t> best_of(const std::vector<RunRow>& rows) {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!rows[i].completed) continue;
    const auto loss = validation_loss(rows[i]);
    if (!loss || !(*loss == *loss)) continue;  // NaN is no result
    if (!best || *loss < *validation_loss(rows[*best])) best = i;
  }
  return best;
}

ordered_json values_of(const SweepView& view, std::size_t number) {
  ordered_json values = ordered_json::object();
  for (std::size_t i = 0; i < view.record.keys.size(); ++i)
    values[view.record.keys[i]] = json_of_value(view.record.values[number][i]);
  return values;
}

ordered_json best_as_json(const SweepView& view) {
  return view.best ? ordered_json(std::to_string(*view.best)) : ordered_json();
}

ordered_json results_of(const SweepView& view) {
  ordered_json runs = ordered_json::array();
  for (std::size_t i = 0; i < view.rows.size(); ++i) {
    const ordered_json row = to_json(view.rows[i]);
    ordered_json result = {{"run", std::to_string(i)}, {"values", values_of(view, i)}};
    for (const char* key : {"state", "reason", "step", "loss", "validation_loss", "seconds"}) result[key] = row.at(key);
    runs.push_back(std::move(result));
  }
  return {{"best", best_as_json(view)}, {"runs", std::move(runs)}};
}

}  // namespace

SweepView view_of(rundir::SweepDir sweep, rundir::SweepRecord record, std::vector<RunRow> rows) {
  const auto best = best_of(rows);
  return {std::move(sweep), std::move(record), std::move(rows), best};
}

SweepView look_at(const rundir::SweepDir& sweep) {
  auto record = sweep.read_record();
  auto rows = look_at(sweep.runs(record));
  return view_of(sweep, std::move(record), std::move(rows));
}

bool is_over(const SweepView& view) {
  for (const auto& row : view.rows)
    if (!rundir::is_final(row.live.run.state)) return false;
  return true;
}

std::string summary(const SweepView& view) {
  std::map<State, int> counts;
  for (const auto& row : view.rows) ++counts[row.live.run.state];
  std::vector<std::string> parts;
  for (const State state : {State::completed, State::running, State::pending, State::submitted, State::requeued,
                            State::paused, State::cancelled, State::failed, State::unknown})
    if (const auto found = counts.find(state); found != counts.end())
      parts.push_back(cat(found->second, " ", rundir::name_of(state)));
  return cat(view.rows.size(), view.rows.size() == 1 ? " run: " : " runs: ", join(parts, ", "));
}

ordered_json to_json(const SweepView& view) {
  ordered_json runs = ordered_json::array();
  for (std::size_t i = 0; i < view.rows.size(); ++i) {
    ordered_json row = to_json(view.rows[i]);
    row["values"] = values_of(view, i);
    runs.push_back(std::move(row));
  }
  return {{"sweep", view.dir.root().filename().string()},
          {"folder", view.dir.root().string()},
          {"over", is_over(view)},
          {"parameters", view.record.keys},
          {"best", best_as_json(view)},
          {"runs", std::move(runs)}};
}

ordered_json json_of_value(const std::string& yaml) {
  ordered_json value;
  const bool is_json = !json::read(yaml, value);
  return is_json && (value.is_number() || value.is_boolean() || value.is_null()) ? value : ordered_json(yaml);
}

void write_results_when_over(const rundir::SweepDir& sweep) {
  const auto record = sweep.read_record();
  std::vector<RunRow> rows;
  for (const auto& run : sweep.runs(record)) {
    LiveState live{.run = rundir::read_state(run)};
    if (!rundir::is_final(live.run.state)) return;
    const bool completed = live.run.state == State::completed;
    rows.push_back({run, live, RunMonitor(run).poll(), completed ? run.read_completed() : std::nullopt});
  }
  sweep.write_results(results_of(view_of(sweep, record, std::move(rows))));
}

}  // namespace pst::runs
