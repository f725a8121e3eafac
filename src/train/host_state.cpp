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
                     const parallel::FlatShares& shares, int rank, const nn::TrainingHook* hook)
    : parameters_(parameters) {
  const auto add = [&](const std::string& kind, const at::Tensor& array, parallel::Range held,
                       const std::function<parallel::Range(const nn::Parameter&)>& rows_of) {
    arrays_.push_back({array, on_host(array)});
    const View values = ops::view_of(arrays_.back().host);
    for (const auto& parameter : parameters.all()) {
      const parallel::Range rows = rows_of(parameter);
      const std::int64_t row = checkpoint::row_values(parameter.shape);
      const std::int64_t begin = parameter.offset + rows.begin * row - held.begin;
      const bool any = rows.size() > 0 && row > 0;
      tensors_.push_back({kind + parameter.name, parameter.shape,
                          any ? values.part(begin, rows.size() * row) : View{.dtype = values.dtype}, rows.begin});
    }
  };
  const int mine = shares.ranks() == 1 ? 0 : rank;
  const auto my_rows = [&](const nn::Parameter& parameter) { return shares.rows_of(parameter, mine); };
  const auto all_rows = [](const nn::Parameter& parameter) {
    return parallel::Range{0, checkpoint::rows_of(parameter.shape)};
  };
  add("adapter/", parameters.flat(), {parameters.begin(), parameters.end()},
      parameters.has_all() ? std::function(all_rows) : std::function(my_rows));
  for (const auto& [name, values] : optimizer.state())
    add(cat("optimizer/", name, "/"), values, optimizer.mine(), my_rows);
  if (hook)
    for (const auto& [name, values] : hook->state())
      add(cat("method/", name, "/"), values, {0, parameters.size()}, all_rows);
  if (shares.ranks() == 1) return;
  for (std::size_t array = 0; array < arrays_.size(); ++array)
    for (const auto& parameter : parameters.all()) {
      auto& of_ranks = division_.emplace_back();
      for (int r = 0; r < shares.ranks(); ++r) {
        const parallel::Range rows = shares.rows_of(parameter, r);
        of_ranks.push_back({rows.begin, rows.end});
      }
    }
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
