// SPDX-License-Identifier: Apache-2.0
#include "parallel/ordered_sum.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "kernels/reduce/reduce.hpp"
#include "kernels/reduce/tree.hpp"
#include "ops/torch_exec.hpp"

namespace pst::parallel {

Range leaves_of_rank(std::int64_t leaves, int rank, int ranks) {
  if (leaves < ranks)
    throw Error(
        Fault::usage, cat("a step has ", leaves, " micro batches for ", ranks, " ranks: some would have nothing to do"),
        cat("use at most ", leaves, " ranks, or raise train.global_batch_size, or lower train.micro_batch_size"));
  return {kernels::first_leaf(leaves, rank, ranks), kernels::first_leaf(leaves, rank + 1, ranks)};
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

void ordered_all_reduce(const at::Tensor& inout, ExchangeBuffers& buffers) {
  comm::Communicator& group = buffers.group();
  const int ranks = group.size();
  if (ranks == 1) return;
  const std::int64_t count = inout.numel(), piece = buffers.piece_of((count + ranks - 1) / ranks);
  for (std::int64_t begin = 0; begin < count; begin += ranks * piece) {
    const at::Tensor part = inout.narrow(0, begin, std::min(count - begin, ranks * piece));
    const auto [outgoing, incoming] = buffers.of_pieces(piece, inout);  // nobody looks at the sums beyond the part
    outgoing.narrow(0, 0, part.numel()).copy_(part);
    const View received = ops::view_of(incoming);
    group.all_to_all(ops::view_of(outgoing), received);
    kernels::sum_shares(ops::exec_of(incoming), received, ranks);
    group.all_gather(received.part(0, piece), ops::view_of(outgoing));
    part.copy_(outgoing.narrow(0, 0, part.numel()));
  }
}

}  // namespace pst::parallel
