// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "rundir/run_dir.hpp"
#include "runs/live_state.hpp"
#include "runs/progress.hpp"

namespace pst::runs {

/// One run as `status` tells it.
struct RunRow {
  rundir::RunDir run;
  LiveState live;
  std::optional<Progress> progress;
  std::optional<rundir::Completed> completed;
};

/// Asks Slurm once for all of them.
std::vector<RunRow> look_at(const std::vector<rundir::RunDir>& runs);

/// The keys that docs/submitting.md promises.
nlohmann::ordered_json to_json(const RunRow& row);

// Cells of a table; "-" for what is not known.
std::string step_cell(const RunRow& row);
std::string loss_cell(const RunRow& row);
std::string validation_cell(const RunRow& row);
std::string time_cell(const RunRow& row);    ///< that it took, or what is left
std::string reason_cell(const RunRow& row);  ///< one line

/// The last measured one. A completed run's is that of the whole validation set at its end.
std::optional<double> validation_loss(const RunRow& row);

}  // namespace pst::runs
