// SPDX-License-Identifier: Apache-2.0
#include "optim/optimizer.hpp"

#include <ATen/ops/zeros.h>

#include "ops/torch_exec.hpp"

namespace pst::optim {

Optimizer::Optimizer(const recipe::Optimizer& settings, const nn::ParameterSet& parameters,
                     const parallel::FlatShares& shares, int rank)
    : settings_(settings), mine_(shares.of(shares.ranks() == 1 ? 0 : rank)) {
  for (const char* const name : recipe::state_of(settings))
    state_.push_back({name, at::zeros({mine_.size()}, parameters.flat().options())});
}

void Optimizer::update(nn::ParameterSet& parameters, const at::Tensor& gradient, const Update& update) {
  if (mine_.size() == 0) return;
  Slice slice{.on = ops::exec_of(gradient),
              .values = ops::view_of(parameters.flat()).part(mine_.begin - parameters.begin(), mine_.size()),
              .gradient = ops::view_of(gradient).part(mine_.begin, mine_.size())};
  for (const auto& [name, values] : state_) slice.state.push_back(ops::view_of(values));
  std::visit([&](const auto& rule) { apply(rule, update, settings_.weight_decay, slice); }, settings_.rule);
}

}  // namespace pst::optim
