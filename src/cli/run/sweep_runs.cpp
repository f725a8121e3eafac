// SPDX-License-Identifier: Apache-2.0
#include "cli/run/sweep_runs.hpp"

#include <iostream>
#include <numeric>

#include "cli/observe/sweep_table.hpp"
#include "cli/run/train_here.hpp"
#include "console/live_line.hpp"
#include "core/error.hpp"
#include "runs/handle.hpp"
#include "runs/sweep_view.hpp"

namespace pst::cli {

void submit_array(const rundir::SweepDir& dir, const rundir::SweepRecord& record, const std::vector<int>& numbers,
                  const runs::Before& before) {
  const std::string job = runs::submit_runs(dir, record, numbers, before);
  std::cout << "job  " << job << " (an array of " << numbers.size() << ")" << std::endl;
}

runs::MadeSweep submit_sweep(const runs::RecipeSource& source, const runs::Before& before) {
  runs::MadeSweep made = runs::make_sweep(source, 0, runs::ForSlurm::yes, console::ReadingLine().progress());
  std::cout << "sweep  " << runs::handle(made.dir) << ", " << made.record.values.size() << " runs" << std::endl;
  std::vector<int> all(made.record.values.size());
  std::iota(all.begin(), all.end(), 0);
  submit_array(made.dir, made.record, all, before);
  return made;
}

int train_sweep_here(const runs::RecipeSource& source, int ranks) {
  const runs::MadeSweep made = runs::make_sweep(source, ranks, runs::ForSlurm::no, console::ReadingLine().progress());
  std::cout << "sweep  " << runs::handle(made.dir) << ", " << made.record.values.size() << " runs" << std::endl;
  int status = 0;
  for (std::size_t i = 0; i < made.record.values.size(); ++i) {
    std::cout << "\nrun  " << runs::handle(made.dir.run(i)) << "   " << runs::values_text(made.record, i) << std::endl;
    try {
      train_here(made.dir.run(i), ranks);
    } catch (const Error& error) {
      if (error.fault() == Fault::stopped) throw;  // Ctrl-C means the whole of it
      std::cerr << error.what() << std::endl;      // the others may well succeed
      if (status == 0) status = exit_status(error.fault());
    }
  }
  runs::write_results_when_over(made.dir);
  std::cout << '\n';
  print_sweep(std::cout, runs::look_at(made.dir));
  return status;
}

}  // namespace pst::cli
