// SPDX-License-Identifier: Apache-2.0
#include "app/resume.hpp"

#include <iostream>
#include <nlohmann/json.hpp>

#include "checkpoint/retention.hpp"
#include "checkpoint/store.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "recipe/changes.hpp"
#include "rundir/allowed_change.hpp"
#include "weights/model_digest.hpp"

namespace pst::app {
namespace {

using nlohmann::ordered_json;
namespace fs = std::filesystem;

void tell_rejected(const rundir::RunDir& run, const checkpoint::Rejected& rejected) {
  run.try_event("checkpoint-rejected", {{"folder", rejected.folder.filename().string()},
                                        {"reason", rejected.why},
                                        {"remedy", "nothing is deleted; the next older one is tried"}});
  std::cerr << "warning: checkpoint " << rejected.folder.string() << " is passed over: " << rejected.why << std::endl;
}

}  // namespace

std::filesystem::path Resumer::choose() const {
  const fs::path own = run_.checkpoints();
  checkpoint::fence(own, attempt_);
  if (recipe_.checkpoint.resume == "never") return {};
  std::vector<checkpoint::Rejected> rejected;
  std::optional<checkpoint::Found> found = checkpoint::newest_valid(own, rejected);
  for (const auto& one : rejected) tell_rejected(run_, one);
  if (!found && recipe_.checkpoint.resume != "auto") found = checkpoint::open_valid(recipe_.checkpoint.resume);
  if (!found) {
    if (!rejected.empty()) run_.try_event("started-over", {{"reason", "no checkpoint of this run is valid"}});
    return {};
  }

  auto changes = recipe::changes_between(checkpoint::texts_in_state(found->manifest, "recipe"), alters_);
  const std::string model = weights::model_digest(record_.model_path);
  if (model != found->manifest.model_digest)
    throw Error(Fault::usage,
                cat("the files of the model ", record_.model_path.string(), " are not those that ",
                    found->folder.string(), " was trained on"),
                "put the model's files back, or start a new run");
  if (record_.data_digest != found->manifest.data_digest)
    changes.push_back({"the prepared data", found->manifest.data_digest, record_.data_digest});
  if (!changes.empty() && !rundir::change_is_allowed(run_, record_.recipe_digest))
    throw Error(Fault::usage,
                cat("the recipe differs from the one that ", found->folder.filename().string(),
                    " was made with, and the result would be neither's: ", recipe::to_text(changes)),
                cat("put the values back, or accept it: peft-studio resume ", shell_quoted(run_.root().string()),
                    " --allow-change"));
  run_.try_event("restored", {{"attempt", attempt_},
                              {"step", found->manifest.step},
                              {"checkpoint", found->folder.filename().string()},
                              {"ranks_then", found->manifest.ranks},
                              {"ranks_now", world_.size()}});
  return found->folder;
}

train::TrainState Resumer::read(const std::filesystem::path& folder,
                                const std::vector<checkpoint::Target>& targets) const {
  train::TrainState state;
  comm::together(world_, cat("reading the checkpoint ", folder.string()), [&] {
    const checkpoint::Found found{folder, checkpoint::read_manifest(folder)};
    checkpoint::load(found, targets);
    const auto stored = found.manifest.state.find("train");
    if (stored == found.manifest.state.end())
      throw Error(Fault::data, cat(folder.string(), ": the manifest holds no training state"),
                  "start again with checkpoint.resume: never");
    state = train::state_from(*stored, folder.string());
  });
  return state;
}

std::optional<train::TrainState> Resumer::start(const std::vector<checkpoint::Target>& targets) {
  fs::path folder;
  comm::together(world_, "looking for a checkpoint", [&] {
    if (world_.is_root()) folder = choose();
  });
  folder = comm::broadcast_text(world_, folder.string());
  if (folder.empty()) return std::nullopt;
  return read(folder, targets);
}

train::TrainState Resumer::restore_newest(const std::vector<checkpoint::Target>& targets) {
  fs::path folder;
  comm::together(world_, "looking for a checkpoint to roll back to", [&] {
    if (!world_.is_root()) return;
    std::vector<checkpoint::Rejected> rejected;
    const auto found = checkpoint::newest_valid(run_.checkpoints(), rejected);
    for (const auto& one : rejected) tell_rejected(run_, one);
    if (!found)
      throw Error(Fault::data, "the guard wants to roll back, and this run has no valid checkpoint yet",
                  "save earlier with checkpoint.every_steps, or use guard.spike: skip");
    folder = found->folder;
  });
  return read(comm::broadcast_text(world_, folder.string()), targets);
}

}  // namespace pst::app
