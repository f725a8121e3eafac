// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "nn/parameter.hpp"
#include "optim/groups.hpp"
#include "optim/rules.hpp"
#include "optim/state_layout.hpp"
#include "parallel/flat_shares.hpp"
#include "recipe/optimizers.hpp"

namespace pst::optim {

/// What a run has made of the weights of an average of its updates.
struct Averaging {
  double weight_sum = 0, largest_lr = 0;
  friend bool operator==(const Averaging&, const Averaging&) = default;
};

/// The recipe's optimizer at work on a rank: its rule, and its state of those trained values that this rank updates.
class Optimizer {
 public:
  /// @param parameters  after allocate(); the state starts with zeros on their device
  /// @param shares  of them, of which each rank updates its own: one per rank, or one; cut as the recipe's optimizer
  /// lets them. @param rank  of the run
  Optimizer(const recipe::Optimizer& settings, const nn::ParameterSet& parameters, const parallel::FlatShares& shares,
            int rank);

  parallel::Range mine() const { return mine_; }  ///< of the parameters' flat array
  const std::vector<State>& state() const { return state_; }

  /// Whether the result is an average of what was trained, and not that itself.
  bool averages() const { return averaged() != nullptr; }
  /// Exchanges the masters of mine() with the average, where there is one: before it is looked at, and after that.
  void exchange_averaged(nn::ParameterSet& parameters);
  /// Belongs to a checkpoint beside state().
  const Averaging& averaging() const { return averaging_; }
  void set_averaging(const Averaging& averaging) { averaging_ = averaging; }

  /// Updates the masters of mine(). @param gradient  f32, of the whole flat array, clipping not yet applied
  void update(nn::ParameterSet& parameters, const at::Tensor& gradient, const Update& update);

 private:
  /// Values of mine() that are updated at once: of one tensor, or of neighbours that are updated alike.
  struct Run {
    struct Part {
      std::size_t state = 0;  // into state_
      std::int64_t begin = 0, count = 0;
    };
    parallel::Range values;
    Group group;
    std::vector<std::int64_t> shape;  // of the tensor, where it is one
    std::vector<Part> parts;          // in the order of state_of()
  };
  void add_run(Run run, bool joins);
  const State* averaged() const;

  recipe::Optimizer settings_;
  parallel::Range mine_;
  std::vector<State> state_;
  std::vector<at::Tensor> constants_;
  std::vector<Run> runs_;
  Averaging averaging_;
};

}  // namespace pst::optim
