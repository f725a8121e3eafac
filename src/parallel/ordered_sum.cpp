// SPDX-License-Identifier: Apache-2.0
#include "parallel/ordered_sum.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "kernels/reduce/reduce.hpp"
#include "ops/exec.hpp"

namespace pst::parallel {

LeafRange leaves_of_rank(std::int64_t leaves, int rank, int ranks) {
  if (leaves < ranks)
    throw Error(
        Fault::usage, cat("a step has ", leaves, " micro batches for ", ranks, " ranks: some would have nothing to do"),
        cat("use at most ", leaves, " ranks, or raise train.global_batch_size, or lower train.micro_batch_size"));
  return {leaves * rank / ranks, leaves * (rank + 1) / ranks};
}

at::Tensor GradientBuffers::take() {
  if (free_.empty()) return make_();
  at::Tensor buffer = std::move(free_.back());
  free_.pop_back();
  return buffer.zero_();
}

at::Tensor sum_of_leaves(std::int64_t begin, std::int64_t count, GradientBuffers& buffers,
                         const std::function<void(std::int64_t, const at::Tensor&)>& add_leaf) {
  if (count == 1) {
    at::Tensor buffer = buffers.take();
    add_leaf(begin, buffer);
    return buffer;
  }
  const std::int64_t left_count = (count + 1) / 2;
  at::Tensor left = sum_of_leaves(begin, left_count, buffers, add_leaf);
  at::Tensor right = sum_of_leaves(begin + left_count, count - left_count, buffers, add_leaf);
  kernels::add(ops::exec_of(left), ops::view_of(left), ops::view_of(right));
  buffers.give_back(std::move(right));
  return left;
}

void OrderedAllReduce::operator()(const at::Tensor& inout) {
  const int ranks = group_.size();
  if (ranks == 1) return;
  const std::int64_t count = inout.numel(), share = (count + ranks - 1) / ranks;
  if (!outgoing_.defined() || outgoing_.numel() != share * ranks) {
    // A group of hosts works on host memory: what is on a GPU goes through a pinned copy.
    const bool pinned = inout.is_cuda() && group_.device().kind == DeviceKind::cpu;
    const auto buffers =
        pinned ? at::TensorOptions().dtype(at::kFloat).pinned_memory(true) : inout.options().dtype(at::kFloat);
    outgoing_ = at::zeros({share * ranks}, buffers);  // what lies beyond `count` stays zero
    incoming_ = at::empty({share * ranks}, buffers);
  }
  outgoing_.narrow(0, 0, count).copy_(inout);
  const View incoming = ops::view_of(incoming_);
  group_.all_to_all(ops::view_of(outgoing_), incoming);
  kernels::sum_shares(ops::exec_of(incoming_), incoming, ranks);
  group_.all_gather(incoming.part(0, share), ops::view_of(outgoing_));
  inout.copy_(outgoing_.narrow(0, 0, count));
}

}  // namespace pst::parallel
