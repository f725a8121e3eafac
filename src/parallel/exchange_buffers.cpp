// SPDX-License-Identifier: Apache-2.0
#include "parallel/exchange_buffers.hpp"

#include <ATen/ops/zeros.h>

#include <algorithm>

namespace pst::parallel {

ExchangeBuffers::Pair ExchangeBuffers::of_shares(std::int64_t share, const at::Tensor& like) {
  if (!buffers_.outgoing.defined() || share > share_) {
    share_ = std::max(share_, share);
    // A group of hosts works on host memory: what is on a GPU goes through a pinned copy.
    const bool pinned = like.is_cuda() && group_.device().kind == DeviceKind::cpu;
    const auto options =
        pinned ? at::TensorOptions().dtype(at::kFloat).pinned_memory(true) : like.options().dtype(at::kFloat);
    buffers_ = {};  // before the new ones are there
    buffers_ = {at::zeros({share_ * group_.size()}, options), at::zeros({share_ * group_.size()}, options)};
  }
  const std::int64_t used = share * group_.size();
  return {buffers_.outgoing.narrow(0, 0, used), buffers_.incoming.narrow(0, 0, used)};
}

}  // namespace pst::parallel
