// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/observe/sweep_table.hpp"
#include "cli/verb.hpp"
#include "console/text_table.hpp"
#include "core/error.hpp"
#include "core/printable.hpp"
#include "core/strings.hpp"
#include "runs/run_rows.hpp"
#include "runs/sweep_view.hpp"

namespace pst::cli {
namespace {

using nlohmann::ordered_json;

struct StatusArguments {
  std::string run, output_dir = "runs";
  bool json = false;
};

void print_json(const ordered_json& json) {
  std::cout << printable_json(json.dump(2, ' ', false, ordered_json::error_handler_t::replace)) << '\n';
}

std::vector<std::string> cells(const runs::RunRow& row) {
  const auto tokens = row.progress ? row.progress->tokens_per_s : std::nullopt;
  return {row.run.root().filename().string(), rundir::name_of(row.live.run.state), step_cell(row),  loss_cell(row),
          tokens ? fixed(*tokens, 0) : "-",   row.live.run.job_id.value_or("-"),   reason_cell(row)};
}

void print_runs(const std::vector<runs::RunRow>& rows) {
  std::vector<std::vector<std::string>> table = {{"RUN", "STATE", "STEP", "LOSS", "TOKENS/S", "JOB", "REASON"}};
  for (const auto& row : rows) table.push_back(cells(row));
  console::print_table(std::cout, table);
}

int status_of_sweep(const rundir::SweepDir& sweep, bool json) {
  const runs::SweepView view = runs::look_at(sweep);
  if (json)
    print_json(to_json(view));
  else
    print_sweep(std::cout, view);
  return 0;
}

int status_of_all(const StatusArguments& arguments) {
  const auto rows = runs::look_at(rundir::list_runs(arguments.output_dir));
  std::vector<runs::SweepView> sweeps;
  for (const auto& sweep : rundir::list_sweeps(arguments.output_dir)) {
    try {
      sweeps.push_back(runs::look_at(sweep));
    } catch (const Error& error) {  // one of many, and not always ours
      std::cerr << "warning: sweep " << printable(sweep.root().filename().string())
                << " is left out: " << error.message() << std::endl;
    }
  }
  if (arguments.json) {
    ordered_json all = ordered_json::array();
    for (const auto& row : rows) all.push_back(to_json(row));
    for (const auto& sweep : sweeps)
      for (const auto& run : to_json(sweep)["runs"]) all.push_back(run);
    print_json(all);
    return 0;
  }
  if (rows.empty() && sweeps.empty()) std::cout << "no runs in " << arguments.output_dir << '\n';
  if (!rows.empty()) print_runs(rows);
  if (!rows.empty() && !sweeps.empty()) std::cout << '\n';
  std::vector<std::vector<std::string>> table = {{"SWEEP", "RUNS"}};
  for (const auto& sweep : sweeps) table.push_back({sweep.dir.root().filename().string(), summary(sweep)});
  if (!sweeps.empty()) console::print_table(std::cout, table);
  return 0;
}

int status(const StatusArguments& arguments) {
  if (arguments.run.empty()) return status_of_all(arguments);
  const auto found = rundir::find_run_or_sweep(arguments.run, arguments.output_dir);
  if (const auto* sweep = std::get_if<rundir::SweepDir>(&found)) return status_of_sweep(*sweep, arguments.json);
  const auto rows = runs::look_at(std::vector{std::get<rundir::RunDir>(found)});
  if (arguments.json)
    print_json(ordered_json::array({to_json(rows.front())}));
  else
    print_runs(rows);
  return 0;
}

}  // namespace

Runner add_status(CLI::App& app) {
  auto arguments = std::make_shared<StatusArguments>();
  app.add_option("RUN", arguments->run, "One run or sweep: folder, name or id; by default all are shown");
  add_output_dir_option(app, arguments->output_dir);
  app.add_flag("--json", arguments->json, "Print JSON, for programs; docs/submitting.md lists the keys");
  return [arguments] { return status(*arguments); };
}

}  // namespace pst::cli
