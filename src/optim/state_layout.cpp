// SPDX-License-Identifier: Apache-2.0
#include "optim/state_layout.hpp"

#include <ATen/ops/zeros.h>

#include <algorithm>

#include "ops/torch_exec.hpp"

namespace pst::optim {
namespace {

/// The array of this name and type; it is made when it is met first.
State& find_or_add(std::vector<State>& states, std::vector<std::int64_t>& sizes, const recipe::StateArray& array) {
  const auto found = std::find_if(states.begin(), states.end(), [&](const State& state) {
    return state.name == array.name && state.windows.front().array.dtype == array.dtype;
  });
  if (found != states.end()) return *found;
  sizes.push_back(0);
  return states.emplace_back(State{array.name, {}, {}});
}

}  // namespace

parallel::Range rows_of(const recipe::StateArray& array, const nn::Parameter& parameter,
                        const parallel::FlatShares& shares, int rank) {
  const parallel::Range values = shares.values_of(parameter, rank);
  const std::int64_t rows = array.shape.empty() ? 1 : array.shape.front();
  const auto before = [&](std::int64_t place) {  // a place is between rows, or the tensor's end
    if (array.values_per_row > 0) return (place + array.values_per_row - 1) / array.values_per_row;
    return place > 0 ? rows : 0;
  };
  PST_ASSERT(array.values_per_row > 0 || values.size() == 0 || values.size() == parameter.count(),
             "a tensor with one array for all of it is not cut");
  return {before(values.begin), before(values.end)};
}

std::vector<State> make_state(const recipe::Optimizer& settings, const nn::ParameterSet& parameters,
                              const parallel::FlatShares& shares, int rank) {
  std::vector<State> states;
  std::vector<std::int64_t> sizes;
  for (std::size_t p = 0; p < parameters.all().size(); ++p) {
    const nn::Parameter& parameter = parameters.all()[p];
    for (const recipe::StateArray& array : recipe::state_of(settings, parameter.shape)) {
      State& state = find_or_add(states, sizes, array);
      std::int64_t& size = sizes[static_cast<std::size_t>(&state - states.data())];
      const parallel::Range rows = rows_of(array, parameter, shares, rank);
      const std::int64_t count = rows.size() * recipe::values_in_row(array);
      state.windows.push_back({p, array, rows, size, count});
      size += kernels::flat_places(count);
    }
  }
  for (std::size_t i = 0; i < states.size(); ++i)
    states[i].values = at::zeros(
        {sizes[i]}, parameters.flat().options().dtype(ops::scalar_type(states[i].windows.front().array.dtype)));
  return states;
}

}  // namespace pst::optim
