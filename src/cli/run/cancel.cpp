// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "cli/verb.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "runs/cancel_run.hpp"
#include "runs/handle.hpp"
#include "runs/live_state.hpp"
#include "runs/sweep_view.hpp"

namespace pst::cli {
namespace {

/// All of a sweep's jobs in one call, so that none starts because another one made room.
int cancel_sweep(const rundir::SweepDir& sweep) {
  const auto runs = sweep.runs(sweep.read_record());
  const auto live = runs::live_states(runs);
  std::vector<std::string> jobs;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (rundir::is_final(live[i].run.state)) continue;
    runs[i].event("cancel-requested", {{"by", cluster::host_name()}});
    for (auto& job : runs::jobs_of(live[i])) jobs.push_back(std::move(job));
  }
  if (jobs.empty())
    throw Error(Fault::usage, cat("there is nothing to cancel: no run of sweep ", runs::handle(sweep), " has a job"),
                cat("peft-studio status ", shell_quoted(runs::handle(sweep))));
  cluster::cancel(jobs);
  for (std::size_t i = 0; i < runs.size(); ++i)
    if (!rundir::is_final(live[i].run.state) && runs::waits_in_queue(live[i]))
      runs[i].event("cancelled", {{"reason", "taken out of the queue"}});
  runs::write_results_when_over(sweep);
  std::cout << "asked " << jobs.size() << " of the " << runs.size() << " runs of " << runs::handle(sweep) << " to end"
            << std::endl;
  return 0;
}

int cancel(const RunArguments& arguments) {
  const auto found = rundir::find_run_or_sweep(arguments.run, arguments.output_dir);
  if (const auto* sweep = std::get_if<rundir::SweepDir>(&found)) return cancel_sweep(*sweep);
  const auto& run = std::get<rundir::RunDir>(found);
  runs::cancel_run(run);
  if (const auto of = rundir::sweep_of(run)) runs::write_results_when_over(*of);
  std::cout << "asked " << runs::handle(run) << " to end" << std::endl;
  return 0;
}

}  // namespace

Runner add_cancel(CLI::App& app) {
  auto arguments = std::make_shared<RunArguments>();
  add_run_arguments(app, *arguments);
  return [arguments] { return cancel(*arguments); };
}

}  // namespace pst::cli
