// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "nn/parameter.hpp"
#include "optim/groups.hpp"
#include "optim/rules.hpp"
#include "parallel/flat_shares.hpp"
#include "recipe/optimizers.hpp"

namespace pst::optim {

/// The recipe's optimizer at work on a rank: its rule, and its state of those trained values that this rank updates.
class Optimizer {
 public:
  /// An array of the state; f32 [mine()].
  struct State {
    std::string name;  ///< as checkpoints name it: "exp_avg"
    at::Tensor values;
  };

  /// @param parameters  after allocate(); the state starts with zeros on their device
  /// @param shares  of them, of which each rank updates its own: one per rank, or one. @param rank  of the run
  Optimizer(const recipe::Optimizer& settings, const nn::ParameterSet& parameters, const parallel::FlatShares& shares,
            int rank);

  parallel::Range mine() const { return mine_; }  ///< of the parameters' flat array
  const std::vector<State>& state() const { return state_; }

  /// Updates the masters of mine(). @param gradient  f32, of the whole flat array, clipping not yet applied
  void update(nn::ParameterSet& parameters, const at::Tensor& gradient, const Update& update);

 private:
  /// Consecutive values of mine() that are updated alike.
  struct Run {
    parallel::Range values;
    Group group;
  };

  recipe::Optimizer settings_;
  parallel::Range mine_;
  std::vector<State> state_;
  std::vector<Run> runs_;
};

}  // namespace pst::optim
