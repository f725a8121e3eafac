// SPDX-License-Identifier: Apache-2.0
#include "cli/run/submit_check.hpp"

#include <iostream>

#include "cluster/program_path.hpp"
#include "cluster/slurm.hpp"
#include "console/live_line.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "recipe/load.hpp"
#include "runs/gpus_of_job.hpp"
#include "runs/job_script_for.hpp"
#include "runs/run_plan.hpp"
#include "runs/submit_findings.hpp"

namespace pst::cli {
namespace {

using runs::Finding;
using Kind = Finding::Kind;

struct Checked {
  recipe::Recipe recipe;  ///< of the first run
  std::size_t runs = 1;
};

Checked check_recipes(const runs::RecipeSource& arguments) {
  if (!recipe::is_sweep(arguments.file, arguments.overrides))
    return {runs::check_all(arguments, console::ReadingLine().progress()), 1};
  const auto sweep = recipe::load_sweep(arguments.file, arguments.overrides);
  runs::PlanMemory memory;
  for (std::size_t i = 0; i < sweep.runs.size(); ++i)
    doing(cat("checking run ", i, " of the sweep (", join(sweep.runs[i].values, ", "), ")"),
          [&] { runs::check_one(sweep.runs[i].recipe, memory, console::ReadingLine().progress()); });
  return {sweep.runs.front().recipe, sweep.runs.size()};
}

void print(const Finding& finding) {
  const char* const word = finding.kind == Kind::ok ? "ok    " : finding.kind == Kind::note ? "note  " : "wrong ";
  std::cout << word << finding.text << '\n';
  if (!finding.remedy.empty()) std::cout << "      try: " << finding.remedy << '\n';
}

}  // namespace

void tell_about_variables(const recipe::Slurm& slurm) {
  for (const auto& finding : runs::about_variables(runs::environment_here(), slurm))
    std::cerr << "note: " << finding.text << std::endl;
}

int submit_check(const runs::RecipeSource& arguments) {
  auto [recipe, runs] = check_recipes(arguments);
  cluster::require_program("sbatch", cluster::kWithoutSlurm);
  cluster::worker_program();
  std::vector<Finding> findings = {
      {Kind::ok, runs == 1 ? "recipe, model and data" : cat("recipes, model and data of all ", runs, " runs"), {}}};
  const auto add = [&](Finding finding) { findings.push_back(std::move(finding)); };
  for (auto& finding : runs::about_variables(runs::environment_here(), recipe.slurm)) add(std::move(finding));
  // The folder is only a name here: nothing is made.
  const fs::path folder = fs::absolute(recipe.output_dir).lexically_normal();
  try {
    const site::Site site = runs::site_for(recipe).site;
    if (const std::string about_gpus = runs::ask_for_gpus(recipe, site); !about_gpus.empty())
      add({Kind::note, about_gpus, {}});
    add(runs::about_trial(cluster::try_out(runs::job_script_for(recipe, site, folder / (recipe.name + "-0000")))));
  } catch (const Error& error) {
    add({Kind::wrong, error.message(), error.remedy(), Fault::unfit});
  }
  if (const auto partition = cluster::partition(recipe.slurm.partition)) {
    for (auto& finding : runs::about_partition(recipe.slurm, *partition)) add(std::move(finding));
    add(runs::about_queue(partition->name));
  } else {
    add({Kind::note, "scontrol does not say what the partition allows", {}});
  }
  add(runs::about_associations(cluster::association_limits()));
  const std::uint64_t bytes = runs::bytes_of_a_run(recipe) * runs, files = runs::files_of_a_run(recipe) * runs;
  add(runs::about_disk(folder.string(), bytes, free_bytes(folder)));
  add(runs::about_files(folder.string(), files, cluster::free_files(folder)));
  add(runs::about_quota(cluster::quota_of(folder), bytes, files));

  int status = 0;
  for (const auto& finding : findings) {
    print(finding);
    // 69 also where a retry may help: the recipe is not what is wrong.
    if (finding.kind == Kind::wrong && status == 0) status = exit_status(finding.fault);
  }
  std::cout << (status == 0 ? "it can be submitted" : "it cannot run like this") << "; nothing was submitted or written"
            << std::endl;
  return status;
}

}  // namespace pst::cli
