// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <vector>

#include "checkpoint/tensors.hpp"
#include "nn/parameter.hpp"
#include "train/state.hpp"

namespace pst::train {

/// The arrays of a run's state as checkpoints read and write them: the run's own where it computes on a CPU; where it
/// computes on a GPU, copies in pinned host memory that pull() and push() bring up to date.
class HostState {
 public:
  /// Both outlive this.
  HostState(nn::ParameterSet& parameters, const Moments& moments);

  /// Everything by the names it has in a checkpoint: adapter/<name>, optimizer/exp_avg/<name>,
  /// optimizer/exp_avg_sq/<name>.
  const std::vector<checkpoint::Target>& tensors() const { return tensors_; }
  void pull();  ///< from the GPU, before a snapshot is taken; nothing on a CPU
  void push();  ///< to the GPU, after a checkpoint was read; nothing on a CPU

 private:
  struct Array {
    at::Tensor device, host;
  };
  std::vector<Array> arrays_;  // parameters, first and second moments; of a CPU both are one tensor
  std::vector<checkpoint::Target> tensors_;
};

}  // namespace pst::train
