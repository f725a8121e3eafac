// SPDX-License-Identifier: Apache-2.0
#include "runs/make_sweep.hpp"

#include "cluster/encode.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "recipe/load.hpp"
#include "runs/gpus_of_job.hpp"
#include "runs/job_script_for.hpp"
#include "runs/run_plan.hpp"
#include "version/version.hpp"

namespace pst::runs {
namespace {

using rundir::SweepDir;
using rundir::SweepRecord;

std::vector<RunPlan> plan_all(const recipe::SweepRecipe& sweep, const SweepRecord& record, int ranks,
                              const data::Progress& reading) {
  PlanMemory memory;
  std::vector<RunPlan> plans;
  for (std::size_t i = 0; i < sweep.runs.size(); ++i)
    doing(cat("checking run ", i, " of the sweep (", values_text(record, i), ")"),
          [&] { plans.push_back(plan_recipe(sweep.runs[i].recipe, ranks, memory, reading)); });
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

std::string values_text(const SweepRecord& record, std::size_t number) {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < record.keys.size(); ++i)
    parts.push_back(cat(record.keys[i], "=", record.values[number][i]));
  return join(parts, " ");
}

MadeSweep make_sweep(const RecipeSource& source, int ranks, ForSlurm for_slurm, const data::Progress& reading) {
  auto sweep = recipe::load_sweep(source.file, source.overrides);
  if (for_slurm == ForSlurm::yes)
    for (auto& run : sweep.runs) ask_for_gpus(run.recipe, site_for(run.recipe).site);
  SweepRecord record = record_of(sweep, source.file);
  const auto plans = plan_all(sweep, record, ranks, reading);
  const recipe::Recipe& first = plans.front().recipe;
  const SweepDir dir = SweepDir::create(first.output_dir, first.name);
  const std::string folder = dir.root().filename().string();
  record.id = folder.substr(folder.rfind('-') + 1);
  try {
    for (std::size_t i = 0; i < plans.size(); ++i) {
      make_directories(dir.run(i).root());
      fill_run(dir.run(i), plans[i], source, [&](const rundir::RunDir& made) {
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

std::string submit_runs(const SweepDir& dir, const SweepRecord& record, const std::vector<int>& numbers,
                        const Before& before) {
  std::string job;
  try {
    // Every element's log lies with its run, as that of a single run does.
    job = cluster::submit(dir.job_script(),
                          {.after = before.jobs,
                           .array = numbers,
                           .at_once = record.max_parallel,
                           .output = cluster::slurm_pattern("the sweep's folder", dir.root(), "/%a/slurm-%A_%a.log"),
                           .known = known_jobs(dir.runs(record))});
  } catch (const Error& error) {
    for (const int number : numbers)
      dir.run(static_cast<std::size_t>(number))
          .event("failed",
                 {{"exit", exit_status(error.fault())}, {"reason", error.message()}, {"remedy", error.remedy()}});
    throw;
  }
  for (const int number : numbers)
    dir.run(static_cast<std::size_t>(number)).event("submitted", submitted_details({cat(job, "_", number)}, before));
  return job;
}

}  // namespace pst::runs
