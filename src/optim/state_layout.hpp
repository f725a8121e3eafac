// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "nn/parameter.hpp"
#include "parallel/flat_shares.hpp"
#include "recipe/optimizers.hpp"

namespace pst::optim {

/// The rows of an array (along its first dimension) that go with a rank's share of the tensor it is of.
parallel::Range rows_of(const recipe::StateArray& array, const nn::Parameter& parameter,
                        const parallel::FlatShares& shares, int rank);

/// An array of the state, of all tensors that have it: their rows lie end to end, each tensor's on a border.
struct State {
  /// What this rank has of it for one tensor.
  struct Window {
    std::size_t parameter = 0;  ///< into ParameterSet::all()
    recipe::StateArray array;
    parallel::Range rows;
    std::int64_t begin = 0, count = 0;  ///< in `values`
  };

  std::string name;  ///< as checkpoints name it: "exp_avg"
  at::Tensor values;
  std::vector<Window> windows;
};

/// Zeros. @param parameters  after allocate(); the state lies on their device
std::vector<State> make_state(const recipe::Optimizer& settings, const nn::ParameterSet& parameters,
                              const parallel::FlatShares& shares, int rank);

}  // namespace pst::optim
