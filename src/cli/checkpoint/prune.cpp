// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "checkpoint/retention.hpp"
#include "cli/verb.hpp"
#include "runs/checkpoint_choice.hpp"

namespace pst::cli {
namespace {

int prune(const RunArguments& run, int keep) {
  const auto pruned = checkpoint::prune(runs::checkpoints_of(run.find()), {.newest = keep}, checkpoint::Check::digests);
  for (const auto& folder : pruned.removed) std::cout << "removed " << folder.filename().string() << '\n';
  for (const auto& folder : pruned.kept) std::cout << "kept    " << folder.filename().string() << '\n';
  for (const auto& [folder, why] : pruned.damaged)
    std::cout << "left    " << folder.filename().string() << ", damaged: " << why << '\n';
  return 0;
}

}  // namespace

Runner add_checkpoint_prune(CLI::App& app) {
  auto run = std::make_shared<RunArguments>();
  auto keep = std::make_shared<int>(2);
  add_run_arguments(app, *run);
  app.add_option("--keep", *keep, "How many of the newest checkpoints to keep")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  return [run, keep] { return prune(*run, *keep); };
}

}  // namespace pst::cli
