// SPDX-License-Identifier: Apache-2.0
#include "optim/optimizer.hpp"

#include <ATen/ops/zeros.h>

#include <algorithm>

#include "ops/torch_exec.hpp"

namespace pst::optim {

Optimizer::Optimizer(const recipe::Optimizer& settings, const nn::ParameterSet& parameters,
                     const parallel::FlatShares& shares, int rank)
    : settings_(settings), mine_(shares.of(shares.ranks() == 1 ? 0 : rank)) {
  for (const char* const name : recipe::state_of(settings))
    state_.push_back({name, at::zeros({mine_.size()}, parameters.flat().options())});
  for (const nn::Parameter& parameter : parameters.all()) {
    const Group group = group_of(settings, parameter);
    const std::int64_t begin = std::max(mine_.begin, parameter.offset),
                       end = std::min(mine_.end, parameter.offset + kernels::flat_places(parameter.count()));
    if (begin >= end) continue;
    if (!runs_.empty() && runs_.back().group == group)
      runs_.back().values.end = end;
    else
      runs_.push_back({{begin, end}, group});
  }
}

void Optimizer::update(nn::ParameterSet& parameters, const at::Tensor& gradient, const Update& update) {
  for (const auto& [values, group] : runs_) {
    Slice slice{.on = ops::exec_of(gradient),
                .values = ops::view_of(parameters.flat()).part(values.begin - parameters.begin(), values.size()),
                .gradient = ops::view_of(gradient).part(values.begin, values.size())};
    for (const auto& array : state_)
      slice.state.push_back(ops::view_of(array.values).part(values.begin - mine_.begin, values.size()));
    Update here = update;
    here.lr *= group.lr_factor;
    std::visit([&](const auto& rule) { apply(rule, here, group.weight_decay, slice); }, settings_.rule);
  }
}

}  // namespace pst::optim
