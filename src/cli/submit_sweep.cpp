// SPDX-License-Identifier: Apache-2.0
#include "cli/submit_sweep.hpp"

#include <iostream>
#include <numeric>

#include "cli/follow_run.hpp"
#include "cli/job_script_for.hpp"
#include "cli/sweep_table.hpp"
#include "cli/train_here.hpp"
#include "cluster/encode.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "recipe/load.hpp"
#include "version/version.hpp"

namespace pst::cli {
namespace {

using rundir::SweepDir;
using rundir::SweepRecord;

std::string values_text(const SweepRecord& record, std::size_t number) {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < record.keys.size(); ++i)
    parts.push_back(cat(record.keys[i], "=", record.values[number][i]));
  return join(parts, " ");
}

std::vector<RunPlan> plan_all(const recipe::SweepRecipe& sweep, const SweepRecord& record, int ranks) {
  PlanMemory memory;
  std::vector<RunPlan> plans;
  for (std::size_t i = 0; i < sweep.runs.size(); ++i)
    doing(cat("checking run ", i, " of the sweep (", values_text(record, i), ")"),
          [&] { plans.push_back(plan_recipe(sweep.runs[i].recipe, ranks, memory)); });
  return plans;
}

SweepRecord record_of(const recipe::SweepRecipe& sweep, const std::string& recipe_file) {
  SweepRecord record{.name = sweep.runs.front().recipe.name,
                     .version = version(),
                     .created = iso_time(unix_seconds()),
                     .recipe_file = recipe_file,
                     .max_parallel = sweep.sweep.max_parallel};
  for (const auto& swept : sweep.sweep.parameters.keys) record.keys.push_back(swept.key);
  for (const auto& run : sweep.runs) record.values.push_back(run.values);
  return record;
}

}  // namespace

MadeSweep make_sweep(const RecipeArguments& arguments, int ranks, ForSlurm for_slurm) {
  const auto sweep = recipe::load_sweep(arguments.file, arguments.overrides);
  SweepRecord record = record_of(sweep, arguments.file);
  const auto plans = plan_all(sweep, record, ranks);
  const recipe::Recipe& first = plans.front().recipe;
  const SweepDir dir = SweepDir::create(first.output_dir, first.name);
  const std::string folder = dir.root().filename().string();
  record.id = folder.substr(folder.rfind('-') + 1);
  try {
    for (std::size_t i = 0; i < plans.size(); ++i) {
      make_directories(dir.run(i).root());
      fill_run(dir.run(i), plans[i], arguments, [&](const rundir::RunDir& made) {
        // One of its own, for `resume` of this run alone.
        if (for_slurm == ForSlurm::yes) write_job(made, plans[i].recipe, site_for(plans[i].recipe).site);
      });
    }
    if (for_slurm == ForSlurm::yes)
      write_durably(dir.job_script(), job_script_for(first, site_for(first).site, dir.root()));
    dir.write_record(record);
  } catch (Error& error) {
    std::error_code ignored;
    fs::remove_all(dir.root(), ignored);  // made a moment ago; holds nothing of anybody's
    error.add_context(cat("making the sweep's folder ", dir.root().string()));
    throw;
  }
  return {dir, record};
}

void submit_runs(const SweepDir& dir, const SweepRecord& record, const std::vector<int>& numbers,
                 const Before& before) {
  std::string job;
  try {
    // Every element's log lies with its run, as that of a single run does.
    job = cluster::submit(dir.job_script(),
                          {.after = before.jobs,
                           .array = numbers,
                           .at_once = record.max_parallel,
                           .output = cluster::slurm_pattern("the sweep's folder", dir.root(), "/%a/slurm-%A_%a.log")});
  } catch (const Error& error) {
    for (const int number : numbers)
      dir.run(static_cast<std::size_t>(number))
          .event("failed",
                 {{"exit", exit_status(error.fault())}, {"reason", error.message()}, {"remedy", error.remedy()}});
    throw;
  }
  for (const int number : numbers)
    dir.run(static_cast<std::size_t>(number)).event("submitted", submitted_details({cat(job, "_", number)}, before));
  std::cout << "job  " << job << " (an array of " << numbers.size() << ")" << std::endl;
}

MadeSweep submit_sweep(const RecipeArguments& arguments, const Before& before) {
  MadeSweep made = make_sweep(arguments, 0, ForSlurm::yes);
  std::cout << "sweep  " << handle(made.dir) << ", " << made.record.values.size() << " runs" << std::endl;
  std::vector<int> all(made.record.values.size());
  std::iota(all.begin(), all.end(), 0);
  submit_runs(made.dir, made.record, all, before);
  return made;
}

int train_sweep_here(const RecipeArguments& arguments, int ranks) {
  const MadeSweep made = make_sweep(arguments, ranks, ForSlurm::no);
  std::cout << "sweep  " << handle(made.dir) << ", " << made.record.values.size() << " runs" << std::endl;
  int status = 0;
  for (std::size_t i = 0; i < made.record.values.size(); ++i) {
    std::cout << "\nrun  " << handle(made.dir.run(i)) << "   " << values_text(made.record, i) << std::endl;
    try {
      train_here(made.dir.run(i), ranks);
    } catch (const Error& error) {
      if (error.fault() == Fault::stopped) throw;  // Ctrl-C means the whole of it
      std::cerr << error.what() << std::endl;      // the others may well succeed
      if (status == 0) status = exit_status(error.fault());
    }
  }
  write_results_when_over(made.dir);
  std::cout << '\n';
  print_sweep(std::cout, look_at(made.dir));
  return status;
}

}  // namespace pst::cli
