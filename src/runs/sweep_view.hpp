// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "rundir/sweep_dir.hpp"
#include "runs/run_rows.hpp"

namespace pst::runs {

/// A sweep with all its runs, as they are just now.
struct SweepView {
  rundir::SweepDir dir;
  rundir::SweepRecord record;
  std::vector<RunRow> rows;
  std::optional<std::size_t> best;  ///< of the completed ones that with the least validation loss
};

SweepView look_at(const rundir::SweepDir& sweep);
SweepView view_of(rundir::SweepDir sweep, rundir::SweepRecord record, std::vector<RunRow> rows);

bool is_over(const SweepView& view);  ///< nothing more will happen by itself

/// "6 runs: 3 completed, 1 running, 2 pending".
std::string summary(const SweepView& view);
/// The keys that docs/submitting.md promises.
nlohmann::ordered_json to_json(const SweepView& view);

/// A value of the recipe as JSON has it: 8 and not "8".
nlohmann::ordered_json json_of_value(const std::string& yaml);

/// Puts the result of every run into sweep.json, once all have ended. Looks at the folders only, and is quiet where
/// another process is doing the same.
void write_results_when_over(const rundir::SweepDir& sweep);

}  // namespace pst::runs
