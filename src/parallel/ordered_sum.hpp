// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "parallel/exchange_buffers.hpp"
#include "parallel/range.hpp"

namespace pst::parallel {

/// A step's micro batches are the leaves 0 .. leaves-1 of one binary tree that halves its range (the larger half first)
/// down to single leaves. Gradients are added along that tree whoever computes them, so the sum has the same bits for
/// every number of ranks that is a power of two and divides `leaves`; for other counts, the same bits for the same
/// count.
///
/// The consecutive leaves of a rank. @throws Error(usage) when there are fewer leaves than ranks
Range leaves_of_rank(std::int64_t leaves, int rank, int ranks);

/// Keeps flat f32 buffers for reuse: summing n leaves in tree order takes log2(n) + 1 of them.
class GradientBuffers {
 public:
  explicit GradientBuffers(std::function<at::Tensor()> make) : make_(std::move(make)) {}
  at::Tensor take();  ///< zeroed
  void give_back(at::Tensor buffer) { free_.push_back(std::move(buffer)); }

 private:
  std::function<at::Tensor()> make_;
  std::vector<at::Tensor> free_;
};

/// Adds `count` leaves in tree order. @param add_leaf(leaf, buffer) adds the leaf's values into a zeroed buffer
at::Tensor sum_of_leaves(std::int64_t begin, std::int64_t count, GradientBuffers& buffers,
                         const std::function<void(std::int64_t leaf, const at::Tensor& buffer)>& add_leaf);

/// Sums `inout` (f32, equal size on every rank) over the group along the same tree, in place: all-to-all of shards,
/// each shard added in tree order, all-gather - the bytes of a ring all-reduce, but an order that does not depend on
/// who is neighbour. Collective.
void ordered_all_reduce(const at::Tensor& inout, ExchangeBuffers& buffers);

}  // namespace pst::parallel
