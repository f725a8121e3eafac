// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <sstream>

#include "cli/observe/follow_run.hpp"
#include "cli/observe/follow_sweep.hpp"
#include "cli/observe/sweep_table.hpp"
#include "cli/observe/watch_frame.hpp"
#include "cli/verb.hpp"
#include "console/screen.hpp"
#include "console/sparkline.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "runs/handle.hpp"
#include "runs/live_state.hpp"
#include "runs/run_monitor.hpp"
#include "runs/sweep_view.hpp"
#include "telemetry/line_tail.hpp"

namespace pst::cli {
namespace {

using rundir::RunDir;

constexpr double kRedraw_s = 0.5, kAskSlurm_s = 5;
constexpr std::size_t kEvents = 50;

/// Keeps up with one run: its files at every look, Slurm now and then.
class Watcher {
 public:
  explicit Watcher(const RunDir& run) : run_(run), monitor_(run), events_(run.events_file()) {}

  const WatchView& look() {
    bool news = false;
    for (auto some = events_.read(); !some.empty(); some = events_.read()) {
      view_.events.insert(view_.events.end(), some.begin(), some.end());
      news = true;
    }
    if (view_.events.size() > kEvents)
      view_.events.erase(view_.events.begin(), view_.events.end() - static_cast<std::ptrdiff_t>(kEvents));
    if (news || monotonic_seconds() - asked_at_ > kAskSlurm_s) {
      view_.live = runs::live_state(run_);
      asked_at_ = monotonic_seconds();
    }
    view_.run = runs::handle(run_);
    view_.progress = monitor_.poll();
    view_.losses = monitor_.losses();
    view_.nodes = monitor_.nodes();
    return view_;
  }

 private:
  const RunDir& run_;
  runs::RunMonitor monitor_;
  telemetry::LineTail events_;
  WatchView view_;
  double asked_at_ = -1e9;
};

/// @return whether the run has ended; else somebody wanted to leave
bool show_run(const RunDir& run) {
  console::Screen screen;
  Watcher watcher(run);
  for (;;) {
    const WatchView& view = watcher.look();
    const auto [width, height] = screen.size();
    screen.show(frame(view, width, height, console::marks_of_locale()));
    if (rundir::is_final(view.live.run.state)) return true;
    if (screen.wait(kRedraw_s) == console::Screen::Said::quit) return false;
  }
}

int watch_run(const RunDir& run) {
  if (!console::Screen::is_possible()) return follow_run(run, OnInterrupt::detach);
  if (!rundir::is_final(runs::live_state(run).run.state) && !show_run(run)) {
    std::cout << runs::handle(run) << " goes on" << std::endl;
    return 0;
  }
  return report_end(run, runs::live_state(run).run);
}

int watch_sweep(const rundir::SweepDir& sweep) {
  if (!console::Screen::is_possible()) return follow_sweep(sweep);
  constexpr double kLook_s = 3;
  runs::SweepView view = runs::look_at(sweep);
  if (!is_over(view)) {
    console::Screen screen;
    do {
      std::ostringstream table;
      print_sweep(table, view);
      const auto [width, height] = screen.size();
      std::vector<std::string> lines = {cat("sweep ", runs::handle(sweep)), ""};
      for (auto& line : split(trim(table.str()), '\n')) lines.push_back(std::move(line));
      lines.emplace_back("q quits, the sweep goes on");
      if (height > 2 && lines.size() > height)
        lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(height) - 2, lines.end() - 2);
      for (auto& line : lines) line = console::cut(line, width);
      screen.show(lines);
      if (screen.wait(kLook_s) == console::Screen::Said::quit) return 0;
      view = runs::look_at(sweep);
    } while (!is_over(view));
  }
  return follow_sweep(sweep);  // it is over: the table, and the exit status
}

/// The newest run that has not ended, else the newest.
RunDir newest_run(const std::string& output_dir) {
  const auto runs = rundir::list_runs(output_dir);
  if (runs.empty())
    throw Error(Fault::usage, cat("there is no run in ", output_dir), "name a run, or their folder with --output-dir");
  const auto live = runs::live_states(runs);
  for (std::size_t i = runs.size(); i-- > 0;)
    if (!rundir::is_final(live[i].run.state)) return runs[i];
  return runs.back();
}

struct WatchArguments {
  std::string run, output_dir = "runs";
};

int watch(const WatchArguments& arguments) {
  if (arguments.run.empty()) return watch_run(newest_run(arguments.output_dir));
  const auto found = rundir::find_run_or_sweep(arguments.run, arguments.output_dir);
  if (const auto* sweep = std::get_if<rundir::SweepDir>(&found)) return watch_sweep(*sweep);
  return watch_run(std::get<RunDir>(found));
}

}  // namespace

Runner add_watch(CLI::App& app) {
  auto arguments = std::make_shared<WatchArguments>();
  app.add_option("RUN", arguments->run, "The run or sweep: folder, name or id; by default the newest run");
  add_output_dir_option(app, arguments->output_dir);
  return [arguments] { return watch(*arguments); };
}

}  // namespace pst::cli
