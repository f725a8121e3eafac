// SPDX-License-Identifier: Apache-2.0
#include "parallel/exchange_buffers.hpp"

#include <ATen/ops/zeros.h>

#include <algorithm>

namespace pst::parallel {

std::int64_t ExchangeBuffers::piece_of(std::int64_t share) const {
  return comm::exchange_piece(share, group_.size(), most_);
}

ExchangeBuffers::Pair ExchangeBuffers::of_pieces(std::int64_t piece, const at::Tensor& like) {
  if (!buffers_.outgoing.defined() || piece > room_) {
    room_ = std::max(room_, piece);
    // A group of hosts works on host memory: what is on a GPU goes through a pinned copy.
    const bool pinned = like.is_cuda() && group_.device().kind == DeviceKind::cpu;
    const auto options =
        pinned ? at::TensorOptions().dtype(at::kFloat).pinned_memory(true) : like.options().dtype(at::kFloat);
    buffers_ = {};  // before the new ones are there
    buffers_ = {at::zeros({room_ * group_.size()}, options), at::zeros({room_ * group_.size()}, options)};
  }
  const auto part = [&](const at::Tensor& buffer) {
    return buffer.view(like.scalar_type()).narrow(0, 0, piece * group_.size());
  };
  return {part(buffers_.outgoing), part(buffers_.incoming)};
}

}  // namespace pst::parallel
