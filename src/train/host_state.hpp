// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "checkpoint/tensors.hpp"
#include "nn/parameter.hpp"
#include "nn/training_hook.hpp"
#include "optim/optimizer.hpp"
#include "parallel/flat_shares.hpp"
#include "train/kept_weights.hpp"

namespace pst::train {

/// The arrays of a run's state as checkpoints read and write them: the run's own where it computes on a CPU; where it
/// computes on a GPU, copies in pinned host memory that pull() and push() bring up to date.
class HostState {
 public:
  /// Parameters and optimizer outlive this, and the set keeps the masters that it has. @param shares  those that the
  /// optimizer was made with. @param rank of the run
  HostState(nn::ParameterSet& parameters, const optim::Optimizer& optimizer, const parallel::FlatShares& shares,
            int rank, const nn::TrainingHook* hook = nullptr, const KeptWeights* kept = nullptr);

  /// Everything by the names it has in a checkpoint: adapter/<name>, and optimizer/<array>/<name> for each array of the
  /// optimizer's state, <array>/<name> for each of what is kept beside; those rows that this rank has.
  const std::vector<checkpoint::Target>& tensors() const { return tensors_; }
  /// The rows of each of tensors() that each rank stores: those that it updates. Empty when all have all.
  const checkpoint::Division& division() const { return division_; }
  /// Digest of what products use, which all ranks have alike: the masters as pull() brought them, or their bf16 copies,
  /// where the masters lie in shares.
  std::string replica() const;
  void pull();  ///< from the GPU, before a snapshot is taken; nothing on a CPU
  void push();  ///< to the GPU, after a checkpoint was read; nothing on a CPU

 private:
  struct Array {
    at::Tensor device, host;
  };
  const nn::ParameterSet& parameters_;
  std::vector<Array> arrays_;  // parameters, then the optimizer's; of a CPU both are one tensor
  std::vector<checkpoint::Target> tensors_;
  checkpoint::Division division_;
};

}  // namespace pst::train
