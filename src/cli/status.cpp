#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/command.hpp"
#include "cli/live_state.hpp"
#include "cli/run_monitor.hpp"
#include "cli/table.hpp"
#include "core/strings.hpp"

namespace pst::cli {
namespace {

using nlohmann::ordered_json;

struct StatusArguments {
  std::string run, output_dir = "runs";
  bool json = false;
};

struct Row {
  rundir::RunDir run;
  LiveState live;
  std::optional<Progress> progress;
};

ordered_json or_null(const std::optional<double>& value) { return value ? ordered_json(*value) : ordered_json(); }

ordered_json to_json(const Row& row) {
  const auto progress = row.progress.value_or(Progress{});
  return {
      {"run", row.run.root().filename().string()},
      {"folder", row.run.root().string()},
      {"state", rundir::name_of(row.live.run.state)},
      {"reason", row.live.run.reason},
      {"step", progress.step},
      {"total_steps", progress.total_steps},
      {"loss", or_null(progress.loss)},
      {"validation_loss", or_null(progress.validation_loss)},
      {"tokens_per_s", or_null(progress.tokens_per_s)},
      {"seconds_left", row.live.run.state == rundir::State::running ? or_null(progress.seconds_left) : ordered_json()},
      {"job_id", row.live.run.job_id ? ordered_json(*row.live.run.job_id) : ordered_json()},
      {"attempt", row.live.run.attempt}};
}

std::vector<std::string> cells(const Row& row) {
  const auto& progress = row.progress;
  std::string reason = row.live.run.reason.substr(0, row.live.run.reason.find('\n'));
  for (char& c : reason)
    if (find_control(std::string_view(&c, 1))) c = ' ';
  return {row.run.root().filename().string(),
          rundir::name_of(row.live.run.state),
          progress ? cat(progress->step, "/", progress->total_steps) : "-",
          progress && progress->loss ? fixed(*progress->loss, 3) : "-",
          progress && progress->tokens_per_s ? fixed(*progress->tokens_per_s, 0) : "-",
          row.live.run.job_id.value_or("-"),
          reason};
}

void print_rows(const std::vector<Row>& rows) {
  std::vector<std::vector<std::string>> table = {{"RUN", "STATE", "STEP", "LOSS", "TOKENS/S", "JOB", "REASON"}};
  for (const auto& row : rows) table.push_back(cells(row));
  print_table(std::cout, table);
}

int status(const StatusArguments& arguments) {
  const auto runs = arguments.run.empty() ? rundir::list_runs(arguments.output_dir)
                                          : std::vector{rundir::RunDir::find(arguments.run, arguments.output_dir)};
  const auto live = live_states(runs);
  std::vector<Row> rows;
  for (std::size_t i = 0; i < runs.size(); ++i) rows.push_back({runs[i], live[i], RunMonitor(runs[i]).poll()});
  if (arguments.json) {
    ordered_json all = ordered_json::array();
    for (const auto& row : rows) all.push_back(to_json(row));
    std::cout << all.dump(2, ' ', false, ordered_json::error_handler_t::replace) << '\n';
  } else if (rows.empty()) {
    std::cout << "no runs in " << arguments.output_dir << '\n';
  } else {
    print_rows(rows);
  }
  return 0;
}

}  // namespace

Command add_status(CLI::App& program) {
  CLI::App* app = program.add_subcommand("status", "Say how runs are doing");
  auto arguments = std::make_shared<StatusArguments>();
  app->add_option("RUN", arguments->run, "Folder, name or id of one run; all when left out");
  app->add_option("--output-dir", arguments->output_dir, "Where the runs are")->capture_default_str();
  app->add_flag("--json", arguments->json, "For programs");
  return {app, [arguments] { return status(*arguments); }};
}

}  // namespace pst::cli
