// SPDX-License-Identifier: Apache-2.0
#include "app/run.hpp"

#include <utility>

#include "families/read_model.hpp"
#include "recipe/load.hpp"

namespace pst::app {

Run read_run(const std::filesystem::path& folder, int attempt, comm::Communicator& world) {
  std::optional<Run> run;
  comm::together(world, "reading the run", [&] {
    const rundir::RunDir dir(folder);
    recipe::Recipe recipe = recipe::load(dir.recipe());
    rundir::RunRecord record = dir.read_record();
    families::ModelSpec model = families::read_model(record.model_path);
    data::PreparedSet training = data::PreparedSet::open(record.store, "train");
    std::optional<data::PreparedSet> validation = data::PreparedSet::open(record.store, "validation");
    if (validation->size() == 0) validation.reset();
    recipe::check_ranks(recipe, world.size());
    run.emplace(Run{dir, attempt, std::move(recipe), std::move(record), std::move(model), std::move(training),
                    std::move(validation)});
  });
  return std::move(*run);
}

}  // namespace pst::app
