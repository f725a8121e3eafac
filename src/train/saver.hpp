// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/interval.hpp"
#include "checkpoint/writer.hpp"
#include "comm/communicator.hpp"
#include "train/state.hpp"

namespace pst::train {

/// When to save. `every_*` absent: an interval after Young and Daly, from the measured cost.
struct SavePolicy {
  bool never = false;  ///< not even when asked to stop
  std::optional<std::int64_t> every_steps;
  std::optional<double> every_s;
  double mtbf_s = 0;                 ///< for the interval: mean time between failures of this job
  bool when_best = true;             ///< also right after the best validation loss so far
  std::int64_t milestone_every = 0;  ///< steps; such checkpoints stay for good. 0: none
  double give_up_s = 0;              ///< stop when saving has failed for so long; 0: never
  checkpoint::Keep keep;
};

/// What a checkpoint says about where it came from.
struct Provenance {
  std::string version, recipe_digest, model_digest, data_digest, adapter_config;
  nlohmann::ordered_json recipe;  ///< kept beside the state, so that a changed key can be named
};

/// Called while training; each may throw.
struct SaverHooks {
  std::function<int()> stop_signal;  ///< not 0: somebody wants the run to stop, with a checkpoint
  std::function<void()> may_commit;  ///< on rank 0, throws when a newer attempt has begun
  /// Also called by the writer's thread, when a checkpoint is whole.
  std::function<void(const std::string& kind, nlohmann::ordered_json details)> event;
  std::function<void()> saving = [] {};    ///< before waiting for the disk
  std::function<void()> snapshot = [] {};  ///< brings the tensors up to date, before they are copied
  /// With every snapshot: a digest of what all ranks have alike. Empty: there is nothing to compare
  std::function<std::string()> replica;
  trace::Sink* trace = nullptr;  ///< whom the writer tells what it does
};

/// The collective half of saving: all ranks meet at every step edge, tell each other how far their writers are and who
/// was asked to stop, and so take every decision alike. Between two edges nobody waits for a disk, and what was begun
/// becomes whole without an edge; at an edge a rank waits only when a checkpoint falls due by its step while the one
/// before is still being written.
class Saver {
 public:
  /// @param tensors  those rows at least that this rank stores
  /// @param division  the rows that each rank stores; empty: equal shares
  Saver(comm::Communicator& group, const std::filesystem::path& checkpoints, int generation,
        std::vector<checkpoint::Target> tensors, checkpoint::Division division, SavePolicy policy,
        Provenance provenance, SaverHooks hooks);
  ~Saver();

  /// Before each step, by every rank. @return seconds that saving kept this rank: the snapshot, and where the one
  /// before was still being written, the wait for the disk; mostly 0
  /// @throws Error(stopped) on every rank when one was asked to stop; the state is saved then.
  /// Error(unfit) when the ranks' parameters differ. Error(io) when saving has failed for too long
  double edge(const TrainState& state);
  /// Before step `step` counts: when a checkpoint falls due by it, the one before has to be whole. So what a crash can
  /// cost is one interval, however slow the disk. @return seconds waited
  double make_room(std::int64_t step);
  /// After the last step: saves it and waits.
  void finish(const TrainState& state);
  /// Waits for what is being written, so that the newest checkpoint can be read.
  void settle();
  /// Takes `state` as saved: it was just restored.
  void restored(std::int64_t step) { saved_step_ = step; }

 private:
  struct Edge;
  enum class Due { no, soon, now };
  std::vector<Edge> exchange();
  void advance(const std::vector<Edge>& ranks);
  void tell(const checkpoint::Writer::Progress& whole) const;
  void follow(const checkpoint::Cost& cost);
  void begin(const TrainState& state);
  checkpoint::Manifest manifest_of(const TrainState& state) const;
  void save_and_wait(const TrainState& state);
  Due due_at(const TrainState& state, bool by_clock) const;
  bool due_by_step(std::int64_t step) const;
  bool due_by_clock() const;
  void compare_replicas(const std::vector<Edge>& ranks);

  comm::Communicator& group_;
  std::vector<checkpoint::Target> tensors_;
  SavePolicy policy_;
  Provenance provenance_;
  SaverHooks hooks_;
  std::unique_ptr<checkpoint::Writer> writer_;

  // The same on every rank.
  std::optional<std::int64_t> pending_;  // step of the checkpoint on its way
  bool compare_ = false;
  std::int64_t saved_step_ = 0;  // the newest one that is whole
  // Each rank's own.
  std::string replica_;                // that of the snapshot
  std::vector<std::string> replicas_;  // of all ranks
  double interval_s_ = 0, last_begin_s_ = 0, last_success_s_ = 0;
  bool failing_ = false;
};

}  // namespace pst::train
