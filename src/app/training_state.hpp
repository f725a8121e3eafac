// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "app/hardware.hpp"
#include "app/ranks.hpp"
#include "app/resume.hpp"
#include "app/run.hpp"
#include "nn/parameter.hpp"
#include "optim/optimizer.hpp"
#include "parallel/flat_shares.hpp"
#include "train/host_state.hpp"
#include "train/state.hpp"

namespace pst::app {

/// The arrays that training changes, in shares where the recipe says so, and the way back to what a checkpoint holds.
class TrainingState {
 public:
  /// Lets go of the masters that other ranks update. Parameters and hardware outlive this.
  TrainingState(const Run& run, const Hardware& hardware, const Ranks& ranks, nn::ParameterSet& parameters,
                const nn::TrainingHook* hook);
  TrainingState(const TrainingState&) = delete;  // its parts refer to one another

  /// Puts back what a former start of this run left, if it left something. Collective. @return where training begins
  train::TrainState start();
  /// Puts the newest valid checkpoint back. Collective. @throws Error(data) when there is none
  train::TrainState restore_newest();
  /// Brings the result to every rank as masters, after the last step. Collective.
  void gather_result();

  const parallel::FlatShares& shares() const { return shares_; }
  optim::Optimizer& optimizer() { return optimizer_; }
  train::KeptWeights& kept() { return kept_; }
  train::HostState& host() { return host_; }

 private:
  void gather(const at::Tensor& flat);
  void after_reading();

  nn::ParameterSet& parameters_;
  comm::Communicator& devices_;
  parallel::FlatShares shares_;
  optim::Optimizer optimizer_;
  train::KeptWeights kept_;
  train::HostState host_;
  Resumer resumer_;
};

}  // namespace pst::app
