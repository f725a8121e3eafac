// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "checkpoint/store.hpp"
#include "cli/verb.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "runs/checkpoint_choice.hpp"

namespace pst::cli {
namespace {

int verify(const RunArguments& run, std::optional<std::int64_t> step) {
  auto folders = step ? std::vector{runs::checkpoint_of(run.find(), step)}
                      : checkpoint::list_folders(runs::checkpoints_of(run.find()));
  if (folders.empty()) folders = {runs::checkpoint_of(run.find(), step)};  // says that there is none
  std::size_t damaged = 0;
  for (const auto& folder : folders) {
    std::optional<checkpoint::Manifest> manifest;
    const auto problems = checkpoint::problems_of(folder, checkpoint::Check::digests, &manifest);
    if (problems.empty()) {
      std::cout << folder.filename().string() << ": good, " << manifest->files.size() << " files, "
                << manifest->tensors.size() << " tensors\n";
      continue;
    }
    ++damaged;
    std::cout << folder.filename().string() << ": DAMAGED\n";
    for (const auto& problem : problems) std::cout << "  " << problem << '\n';
  }
  if (damaged > 0)
    throw Error(Fault::data, cat(damaged, " of ", folders.size(), " checkpoints cannot be relied upon"),
                "nothing has to be done: a resumed run takes the newest good one and leaves these alone");
  return 0;
}

}  // namespace

Runner add_checkpoint_verify(CLI::App& app) {
  auto run = std::make_shared<RunArguments>();
  auto step = std::make_shared<std::optional<std::int64_t>>();
  add_run_arguments(app, *run);
  app.add_option("STEP", *step, "Training step of the checkpoint; by default all are checked");
  return [run, step] { return verify(*run, *step); };
}

}  // namespace pst::cli
