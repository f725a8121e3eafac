// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "methods/adapter.hpp"
#include "recipe/alerts.hpp"
#include "recipe/checkpoint.hpp"
#include "recipe/data.hpp"
#include "recipe/guard.hpp"
#include "recipe/model.hpp"
#include "recipe/optimizers.hpp"
#include "recipe/profile.hpp"
#include "recipe/schedules.hpp"
#include "recipe/slurm_section.hpp"
#include "recipe/train.hpp"

namespace pst::recipe {

/// Everything a user can write, with defaults filled in.
struct Recipe {
  std::string name;  ///< run directories are <output_dir>/<name>-<id>
  Model model;
  methods::Adapter adapter;
  Data data;
  Train train;
  Optimizer optimizer;
  Scheduler scheduler;
  Parallel parallel;
  Evaluate evaluate;
  Guard guard;
  Checkpoint checkpoint;
  Profile profile;
  Slurm slurm;
  Metrics metrics;
  std::vector<Alert> alerts;
  Notify notify;
  std::string output_dir = "runs";
};

void bind(config::Fields& field, Recipe& s);

}  // namespace pst::recipe
