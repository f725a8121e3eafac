// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "cli/follow_run.hpp"
#include "cli/submission.hpp"
#include "cli/sweep_table.hpp"
#include "cli/verb.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::cli {
namespace {

/// All of a sweep's jobs in one call, so that none starts because another one made room.
int cancel_sweep(const rundir::SweepDir& sweep) {
  const auto runs = sweep.runs(sweep.read_record());
  const auto live = live_states(runs);
  std::vector<std::string> jobs;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (rundir::is_final(live[i].run.state)) continue;
    runs[i].event("cancel-requested", {{"by", cluster::host_name()}});
    for (auto& job : jobs_of(live[i])) jobs.push_back(std::move(job));
  }
  if (jobs.empty())
    throw Error(Fault::usage, cat("there is nothing to cancel: no run of sweep ", handle(sweep), " has a job"),
                cat("peft-studio status ", handle(sweep)));
  cluster::cancel(jobs);
  for (std::size_t i = 0; i < runs.size(); ++i)
    if (!rundir::is_final(live[i].run.state) && waits_in_queue(live[i]))
      runs[i].event("cancelled", {{"reason", "taken out of the queue"}});
  write_results_when_over(sweep);
  std::cout << "asked " << jobs.size() << " of the " << runs.size() << " runs of " << handle(sweep) << " to end"
            << std::endl;
  return 0;
}

int cancel(const RunArguments& arguments) {
  const auto found = rundir::find_run_or_sweep(arguments.run, arguments.output_dir);
  if (const auto* sweep = std::get_if<rundir::SweepDir>(&found)) return cancel_sweep(*sweep);
  const auto& run = std::get<rundir::RunDir>(found);
  cancel_run(run);
  if (const auto of = rundir::sweep_of(run)) write_results_when_over(*of);
  std::cout << "asked " << handle(run) << " to end" << std::endl;
  return 0;
}

}  // namespace

Runner add_cancel(CLI::App& app) {
  auto arguments = std::make_shared<RunArguments>();
  add_run_arguments(app, *arguments);
  return [arguments] { return cancel(*arguments); };
}

}  // namespace pst::cli
