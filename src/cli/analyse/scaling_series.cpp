// SPDX-License-Identifier: Apache-2.0
#include "cli/analyse/scaling_series.hpp"

#include <algorithm>
#include <chrono>
#include <iostream>
#include <thread>

#include "cli/observe/follow_run.hpp"
#include "cli/run/train_here.hpp"
#include "cluster/program_path.hpp"
#include "console/live_line.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "recipe/load.hpp"
#include "runs/handle.hpp"
#include "runs/job_script_for.hpp"
#include "runs/live_state.hpp"
#include "runs/run_plan.hpp"
#include "runs/submission.hpp"
#include "runs/usable_cores.hpp"

namespace pst::cli {
namespace {

constexpr auto kAskAgain = std::chrono::seconds(3);  // slurmctld serves everybody

/// One run of the series, checked and not yet begun.
struct Size {
  int count;  ///< of ranks or nodes
  runs::RecipeSource recipe;
  runs::RunPlan plan;
};

std::string size_name(const Series& series, int count) {
  return cat(count, series.nodes.empty() ? count == 1 ? " rank" : " ranks" : count == 1 ? " node" : " nodes");
}

std::vector<int> sizes_of(const Series& series) {
  std::vector<int> sizes = series.nodes.empty() ? series.ranks : series.nodes;
  std::sort(sizes.begin(), sizes.end());
  sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
  if (sizes.size() < 2)
    throw Error(Fault::usage, "a series has at least two sizes", "for instance --ranks 1,2 or --nodes 1,2,4");
  return sizes;
}

int cores_per_rank(const Series& series, int most_ranks) {
  if (series.cores_per_rank > 0) return series.cores_per_rank;
  const int cores = runs::usable_cores() / most_ranks;
  if (cores > 0) return cores;
  throw Error(Fault::usage,
              cat(most_ranks, " ranks have no core each: ", runs::usable_cores(),
                  " may be used here, and ranks that share cores do not show how the program scales"),
              "fewer ranks, or --nodes under Slurm");
}

/// What a size changes; the user's number of threads counts, if there is one.
runs::RecipeSource at_size(const Series& series, const recipe::Recipe& base, int count, int smallest, int cores) {
  runs::RecipeSource made = series.recipe;
  std::vector<std::string> ours = {cat("name=", base.name, series.nodes.empty() ? "-r" : "-n", count)};
  if (series.nodes.empty()) {
    ours.push_back("slurm.nodes=1");  // for the plan that stands beside the measurement
    ours.push_back(cat("slurm.ranks_per_node=", count));
    ours.push_back(cat("slurm.cpus_per_rank=", cores));
    made.overrides.insert(made.overrides.begin(), cat("train.threads=", cores));
  } else {
    ours.push_back(cat("slurm.nodes=", count));
  }
  if (series.kind == report::ScalingKind::weak) {
    const std::int64_t batch = std::int64_t{base.train.global_batch_size} * count;
    if (batch % smallest != 0)
      throw Error(Fault::usage, cat("the batch of ", base.train.global_batch_size, " rows cannot grow from ", smallest,
                                    " to ", count, " in equal shares"));
    ours.push_back(cat("train.global_batch_size=", batch / smallest));
  }
  std::erase_if(made.overrides, [](const auto& text) { return text.starts_with("name="); });
  made.overrides.insert(made.overrides.end(), ours.begin(), ours.end());
  return made;
}

std::vector<Size> check_all_sizes(const Series& series, const std::vector<int>& sizes, int cores) {
  const recipe::Recipe base = recipe::load(series.recipe.file, series.recipe.overrides);
  runs::PlanMemory memory;
  std::vector<Size> checked;
  for (const int count : sizes)
    doing(cat("checking the run on ", size_name(series, count)), [&] {
      Size size{.count = count, .recipe = at_size(series, base, count, sizes.front(), cores), .plan = {}};
      auto recipe = recipe::load(size.recipe.file, size.recipe.overrides);
      if (!series.nodes.empty())
        runs::job_script_for(recipe, runs::site_for(recipe).site, "/");  // within the site's limits
      size.plan = runs::plan_recipe(std::move(recipe), series.nodes.empty() ? count : 0, memory,
                                    console::ReadingLine().progress());
      checked.push_back(std::move(size));
    });
  return checked;
}

rundir::RunDir run_here(const Size& size, int cores) {
  const auto run = runs::make_run(size.plan, size.recipe);
  std::cout << "run  " << runs::handle(run) << std::endl;
  train_here(run, size.count, cores);
  return run;
}

/// Each waits for the one before, however that ended.
std::vector<rundir::RunDir> submit_all(const std::vector<Size>& sizes) {
  std::vector<rundir::RunDir> runs;
  std::string before;
  for (const auto& size : sizes) {
    const auto site = runs::site_for(size.plan.recipe).site;
    const auto run = runs::make_run(size.plan, size.recipe,
                                    [&](const rundir::RunDir& made) { runs::write_job(made, size.plan.recipe, site); });
    const runs::Before wait{.jobs = before.empty() ? std::vector<std::string>{} : std::vector{before}, .run = {}};
    const auto jobs = runs::submit_chain(run.job_script(), 1, wait);
    run.event("submitted", runs::submitted_details(jobs, wait));
    before = jobs.back();
    std::cout << "run  " << runs::handle(run) << "\njob  " << before << std::endl;
    runs.push_back(run);
  }
  return runs;
}

void await(const std::vector<rundir::RunDir>& runs) {
  console::LiveLine line(std::cerr, console::kind_of_standard_error());
  std::vector<runs::LiveState> live;
  for (;;) {
    live = runs::live_states(runs);
    std::size_t ended = 0;
    std::vector<std::string> words;
    for (std::size_t i = 0; i < live.size(); ++i) {
      const bool rests = rundir::is_final(live[i].run.state) || live[i].run.state == rundir::State::paused;
      ended += rests;
      if (!rests) words.push_back(cat(runs::handle(runs[i]), " is ", rundir::name_of(live[i].run.state)));
    }
    if (ended == runs.size()) break;
    line.show(cat(ended, " of ", runs.size(), " runs have ended; ", join(words, ", ")));
    std::this_thread::sleep_for(kAskAgain);
  }
  line.finish();
  for (std::size_t i = 0; i < runs.size(); ++i)  // what Slurm says counts as well: a job may die before it can say so
    if (live[i].run.state != rundir::State::completed)
      doing(cat("running the series, of which ", runs::handle(runs[i]), " failed"),
            [&] { report_end(runs[i], live[i].run); });
}

}  // namespace

std::vector<rundir::RunDir> run_series(const Series& series) {
  if (recipe::is_sweep(series.recipe.file, series.recipe.overrides))
    throw Error(Fault::usage, "a series is made of one recipe, and this one is a sweep",
                "--set sweep=null leaves the sweep out");
  const auto sizes = sizes_of(series);
  const bool here = series.nodes.empty();
  cluster::worker_program();
  if (here)
    cluster::require_mpirun("install Open MPI, or submit the series: --nodes");
  else
    cluster::require_program("sbatch", "run this on a login node, or measure here: --ranks");
  const int cores = here ? cores_per_rank(series, sizes.back()) : 0;
  if (here && cores * sizes.back() > runs::usable_cores())
    throw Error(Fault::usage, cat(sizes.back(), " ranks of ", cores, " cores do not fit the ", runs::usable_cores(),
                                  " cores that may be used here"));
  const auto checked = check_all_sizes(series, sizes, cores);
  std::vector<rundir::RunDir> runs;
  if (here) {
    for (const auto& size : checked)
      doing(cat("running the series on ", size_name(series, size.count)),
            [&] { runs.push_back(run_here(size, cores)); });
  } else {
    runs = submit_all(checked);
    await(runs);
  }
  return runs;
}

}  // namespace pst::cli
