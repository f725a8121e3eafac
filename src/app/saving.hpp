// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "recipe/recipe.hpp"
#include "rundir/run_dir.hpp"
#include "train/saver.hpp"

namespace pst::app {

/// When to save, and what stays; the best checkpoint too where the run results in its values.
train::SavePolicy save_policy(const recipe::Recipe& recipe, double mtbf_s);

/// Seconds, of a job on `nodes` nodes: an assumed 1,000 h a node (the order of what Kokolis et al. 2025,
/// arXiv:2410.21680, report of nodes with 8 GPUs), or what this run has seen so far where that is worse.
double mean_time_between_failures(const rundir::RunDir& run, int attempt, int nodes);

}  // namespace pst::app
