// SPDX-License-Identifier: Apache-2.0
#include "train/host_state.hpp"

#include <ATen/ops/empty.h>

#include <utility>

#include "ops/exec.hpp"

namespace pst::train {
namespace {

at::Tensor on_host(const at::Tensor& array) {
  if (array.is_cpu()) return array;
  return at::empty(array.sizes(), array.options().device(at::kCPU).pinned_memory(true));
}

}  // namespace

HostState::HostState(nn::ParameterSet& parameters, const Moments& moments) {
  const std::vector<std::pair<const char*, at::Tensor>> kinds = {{"adapter/", parameters.flat()},
                                                                 {"optimizer/exp_avg/", moments.exp_avg},
                                                                 {"optimizer/exp_avg_sq/", moments.exp_avg_sq}};
  for (const auto& [kind, array] : kinds) {
    arrays_.push_back({array, on_host(array)});
    const auto values = ops::view_of(arrays_.back().host).as<float>();
    for (const auto& parameter : parameters.all()) {
      const auto begin = static_cast<std::size_t>(parameter.value.storage_offset());  // of its window in the flat array
      tensors_.push_back({kind + parameter.name, parameter.shape,
                          values.subspan(begin, static_cast<std::size_t>(parameter.value.numel()))});
    }
  }
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
