// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/tensors.hpp"
#include "comm/communicator.hpp"
#include "recipe/recipe.hpp"
#include "rundir/run_dir.hpp"
#include "train/saver.hpp"

namespace pst::app {

/// Finds where a start of a run goes on, and puts it back. One for the whole attempt; collective.
class Resumer {
 public:
  /// @param alters  keys that decide the bits, as this start has them (recipe::keys_that_alter and what was `auto`)
  Resumer(comm::Communicator& world, const rundir::RunDir& run, const rundir::RunRecord& record,
          const recipe::Recipe& recipe, std::map<std::string, std::string> alters, int attempt)
      : world_(world), run_(run), record_(record), recipe_(recipe), alters_(std::move(alters)), attempt_(attempt) {}

  /// Shuts older attempts out, then reads the newest valid checkpoint into `targets`; every one that is passed over
  /// gets an event and a line on stderr. Nothing when there is none to go on from.
  /// @throws Error(usage) when the recipe differs from the checkpoint's in keys that alter the result, or the model
  /// does
  std::optional<train::TrainState> start(const std::vector<checkpoint::Target>& targets);
  /// The newest valid checkpoint of this run again. @throws Error(data) when there is none
  train::TrainState restore_newest(const std::vector<checkpoint::Target>& targets);

 private:
  std::filesystem::path choose() const;
  train::TrainState read(const std::filesystem::path& folder, const std::vector<checkpoint::Target>& targets) const;

  comm::Communicator& world_;
  const rundir::RunDir& run_;
  const rundir::RunRecord& record_;
  const recipe::Recipe& recipe_;
  std::map<std::string, std::string> alters_;
  int attempt_;
};

}  // namespace pst::app
