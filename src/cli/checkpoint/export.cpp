// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "checkpoint/export_adapter.hpp"
#include "cli/verb.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "families/tokenizer_pipeline.hpp"
#include "runs/checkpoint_choice.hpp"

namespace pst::cli {
namespace {

checkpoint::Found choose(const RunArguments& run, std::optional<std::int64_t> step) {
  if (step) return checkpoint::open_valid(runs::checkpoint_of(run.find(), step));
  std::vector<checkpoint::Rejected> rejected;
  auto found = checkpoint::newest_valid(runs::checkpoints_of(run.find()), rejected);
  for (const auto& [folder, why] : rejected)
    std::cerr << "passed over " << folder.filename().string() << ": " << why << '\n';
  if (!found)
    throw Error(rejected.empty() ? Fault::usage : Fault::data,
                cat("run ", quoted(run.run), " has no ", rejected.empty() ? "" : "good ", "checkpoint"),
                rejected.empty()
                    ? cat("its first one is written after checkpoint.every_steps or every_minutes; `peft-studio "
                          "status ",
                          shell_quoted(run.run),
                          "` tells how far it is; a completed run has its result in the "
                          "folder adapter")
                    : cat("`peft-studio checkpoint list ", shell_quoted(run.run), "` shows what is left of it"));
  return std::move(*found);
}

/// Which tokens the run was trained on, as its finished adapter says it too.
std::map<std::string, std::string> tokenizer_of(const checkpoint::Manifest& manifest) {
  const auto keys = checkpoint::texts_in_state(manifest, "recipe");
  const auto said = keys.find("model.tokenizer");
  if (said == keys.end()) return {};
  return families::pipeline_metadata(families::pipeline_in({*said}));
}

}  // namespace

Runner add_checkpoint_export(CLI::App& app) {
  auto run = std::make_shared<RunArguments>();
  auto step = std::make_shared<std::optional<std::int64_t>>();
  auto folder = std::make_shared<std::string>();
  add_run_arguments(app, *run);
  app.add_option("DIR", *folder, "Folder to create for the adapter")->required();
  app.add_option("--step", *step, "Training step of the checkpoint; by default the newest that is intact");
  return [run, step, folder] {
    const auto found = choose(*run, *step);
    checkpoint::export_adapter(found, *folder, tokenizer_of(found.manifest));
    std::cout << "adapter of step " << found.manifest.step << " in " << *folder << '\n';
    return 0;
  };
}

}  // namespace pst::cli
