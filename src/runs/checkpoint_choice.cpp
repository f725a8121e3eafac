// SPDX-License-Identifier: Apache-2.0
#include "runs/checkpoint_choice.hpp"

#include "checkpoint/store.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::runs {

namespace fs = std::filesystem;

fs::path checkpoints_of(const rundir::RunDir& run) { return run.root() / "checkpoints"; }

fs::path checkpoint_of(const rundir::RunDir& run, std::optional<std::int64_t> step) {
  const fs::path all = checkpoints_of(run);
  const auto folders = checkpoint::list_folders(all);
  if (folders.empty())
    throw Error(Fault::usage, cat(all.parent_path().string(), " has no checkpoint"),
                "the first one follows the first step; `peft-studio status` tells how far the run is");
  if (!step) return folders.back();
  std::vector<std::string> steps;
  for (const auto& folder : folders) {
    if (checkpoint::step_of(folder) == step) return folder;
    steps.push_back(cat(*checkpoint::step_of(folder)));
  }
  throw Error(Fault::usage, cat(all.parent_path().string(), " has no checkpoint of step ", *step),
              cat("there are ", join(steps, ", ")));
}

}  // namespace pst::runs
