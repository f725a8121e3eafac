// SPDX-License-Identifier: Apache-2.0
#include "optim/optimizer.hpp"

#include <algorithm>

#include "ops/torch_exec.hpp"

namespace pst::optim {
namespace {

constexpr const char* kAveraged = "averaged";  // as recipe::ScheduleFreeAdamW names it

}  // namespace

Optimizer::Optimizer(const recipe::Optimizer& settings, const nn::ParameterSet& parameters,
                     const parallel::FlatShares& shares, int rank)
    : settings_(settings), mine_(shares.of(shares.ranks() == 1 ? 0 : rank)) {
  const int share = shares.ranks() == 1 ? 0 : rank;
  state_ = make_state(settings, parameters, shares, share);
  std::visit([&](const auto& rule) { constants_ = constants_of(rule, parameters.device()); }, settings_.rule);
  // Neighbours are updated with the gap between them, and the last with the gap behind it: kernels see whole lines, and
  // a value is in a vector or not wherever shares are cut.
  const bool joins = recipe::cut_of(settings) == recipe::Cut::rows;
  const auto places = [&](std::int64_t count) { return joins ? kernels::flat_places(count) : count; };
  for (std::size_t p = 0; p < parameters.all().size(); ++p) {
    const nn::Parameter& parameter = parameters.all()[p];
    const parallel::Range values = shares.values_of(parameter, share);
    if (values.size() == 0) continue;
    const std::int64_t begin = parameter.offset + values.begin;
    Run run{{begin, begin + places(values.size())}, group_of(settings, parameter), parameter.shape, {}};
    for (std::size_t s = 0; s < state_.size(); ++s)
      for (const State::Window& window : state_[s].windows)
        if (window.parameter == p) run.parts.push_back({s, window.begin, places(window.count)});
    add_run(std::move(run), joins);
  }
}

void Optimizer::add_run(Run run, bool joins) {
  if (!joins || runs_.empty() || !(runs_.back().group == run.group)) {
    runs_.push_back(std::move(run));
    return;
  }
  Run& before = runs_.back();
  before.values.end = run.values.end;
  for (std::size_t i = 0; i < run.parts.size(); ++i)
    before.parts[i].count = run.parts[i].begin + run.parts[i].count - before.parts[i].begin;
}

const State* Optimizer::averaged() const {
  for (const State& state : state_)
    if (state.name == kAveraged) return &state;
  return nullptr;
}

void Optimizer::exchange_averaged(nn::ParameterSet& parameters) {
  const State* const average = averaged();
  if (average == nullptr || average->values.numel() == 0) return;
  at::NoGradGuard no_gradients;
  const at::Tensor masters = parameters.flat().narrow(0, mine_.begin - parameters.begin(), average->values.numel());
  const at::Tensor trained = masters.clone();
  masters.copy_(average->values);
  average->values.copy_(trained);
}

void Optimizer::update(nn::ParameterSet& parameters, const at::Tensor& gradient, const Update& update) {
  at::NoGradGuard no_gradients;
  averaging_.largest_lr = std::max(averaging_.largest_lr, update.lr);
  const double weight = averaging_.largest_lr * averaging_.largest_lr;
  averaging_.weight_sum += weight;
  for (const Run& run : runs_) {
    Slice slice{.on = ops::exec_of(gradient),
                .shape = run.shape,
                .values = parameters.flat().narrow(0, run.values.begin - parameters.begin(), run.values.size()),
                .gradient = gradient.narrow(0, run.values.begin, run.values.size()),
                .state = {},
                .constants = constants_};
    for (const Run::Part& part : run.parts)
      slice.state.push_back(state_[part.state].values.narrow(0, part.begin, part.count));
    Update here = update;
    here.lr *= run.group.lr_factor;
    here.average_weight = averaging_.weight_sum > 0 ? weight / averaging_.weight_sum : 0;
    std::visit([&](const auto& rule) { apply(rule, here, run.group.weight_decay, slice); }, settings_.rule);
  }
}

}  // namespace pst::optim
