// SPDX-License-Identifier: Apache-2.0
#include "train/host_state.hpp"

#include <ATen/ops/empty.h>

#include <functional>
#include <utility>

#include "core/digest.hpp"
#include "core/strings.hpp"
#include "ops/torch_exec.hpp"

namespace pst::train {
namespace {

at::Tensor on_host(const at::Tensor& array) {
  if (array.is_cpu()) return array;
  return at::empty(array.sizes(), array.options().device(at::kCPU).pinned_memory(true));
}

}  // namespace

HostState::HostState(nn::ParameterSet& parameters, const optim::Optimizer& optimizer,
                     const parallel::FlatShares& shares, int rank, const nn::TrainingHook* hook,
                     const KeptWeights* kept)
    : parameters_(parameters) {
  using RowsOfRank = std::function<parallel::Range(int)>;
  const auto add = [&](const at::Tensor& array) {
    arrays_.push_back({array, on_host(array)});
    return ops::view_of(arrays_.back().host);
  };
  /// @param held  the rows that are here; `begin` is where their values are. @param stored  by each rank
  const auto add_tensor = [&](const std::string& name, const std::vector<std::int64_t>& shape, const View& values,
                              parallel::Range held, std::int64_t begin, const RowsOfRank& stored) {
    const std::int64_t row = checkpoint::row_values(shape);
    const bool any = held.size() > 0 && row > 0;
    tensors_.push_back(
        {name, shape, any ? values.part(begin, held.size() * row) : View{.dtype = values.dtype}, held.begin});
    if (shares.ranks() == 1) return;
    auto& of_ranks = division_.emplace_back();
    for (int r = 0; r < shares.ranks(); ++r) {
      const parallel::Range rows = stored(r);
      of_ranks.push_back({rows.begin, rows.end});
    }
  };
  /// An array with the layout of the parameters, of which places from `first` on are here.
  const auto add_flat = [&](const std::string& kind, const at::Tensor& array, std::int64_t first, bool all) {
    const View values = add(array);
    for (const nn::Parameter& parameter : parameters.all()) {
      const RowsOfRank stored = [&](int r) { return shares.rows_of(parameter, r); };
      const parallel::Range held =
          all ? parallel::Range{0, checkpoint::rows_of(parameter.shape)} : stored(shares.ranks() == 1 ? 0 : rank);
      add_tensor(kind + parameter.name, parameter.shape, values, held,
                 parameter.offset + held.begin * checkpoint::row_values(parameter.shape) - first, stored);
    }
  };
  add_flat("adapter/", parameters.flat(), parameters.begin(), parameters.has_all());
  for (const optim::State& state : optimizer.state()) {
    const View values = add(state.values);
    for (const auto& window : state.windows) {
      const nn::Parameter& parameter = parameters.all()[window.parameter];
      add_tensor(cat("optimizer/", state.name, "/", parameter.name), window.array.shape, values, window.rows,
                 window.begin, [&](int r) { return optim::rows_of(window.array, parameter, shares, r); });
    }
  }
  if (kept)
    for (const auto& [name, values] : kept->state()) add_flat(cat(name, "/"), values, kept->mine().begin, false);
  if (hook)
    for (const auto& [name, values] : hook->state()) add_flat(cat("method/", name, "/"), values, 0, true);
}

std::string HostState::replica() const {
  const at::Tensor alike = parameters_.has_all() ? arrays_.front().host : parameters_.flat_compute().cpu();
  return digest({static_cast<const std::byte*>(alike.const_data_ptr()), alike.nbytes()});
}

void HostState::pull() {
  for (const auto& [device, host] : arrays_)
    if (!device.is_cpu()) host.copy_(device);  // waits
}

void HostState::push() {
  at::NoGradGuard no_gradients;
  for (const auto& [device, host] : arrays_)
    if (!device.is_cpu()) device.copy_(host);
}

}  // namespace pst::train
