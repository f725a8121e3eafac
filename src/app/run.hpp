// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <optional>

#include "comm/communicator.hpp"
#include "data/prepared.hpp"
#include "families/spec.hpp"
#include "recipe/recipe.hpp"
#include "rundir/run_dir.hpp"

namespace pst::app {

/// What is to be done, as the run's folder says it.
struct Run {
  rundir::RunDir dir;
  int attempt = 1;
  recipe::Recipe recipe;  ///< the effective one, defaults filled in
  rundir::RunRecord record;
  families::ModelSpec model;
  data::PreparedSet training;
  std::optional<data::PreparedSet> validation;  ///< nothing where no document was held back
};

/// Every rank reads for itself. Collective.
/// @throws on every rank: Error(data) for a damaged file, Error(usage) for a recipe that this many ranks cannot share
Run read_run(const std::filesystem::path& folder, int attempt, comm::Communicator& world);

}  // namespace pst::app
