// SPDX-License-Identifier: Apache-2.0
#include "peft/blocks.hpp"

#include <ATen/TensorOperators.h>

#include <ATen/ops/bmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/ones.h>

#include <numeric>
#include <vector>

namespace pst::peft {
namespace {

/// Every block's columns as a matrix: [n, b * k] -> [b, n, k], the same memory.
at::Tensor by_block(const at::Tensor& x, std::int64_t k) {
  return x.view({x.size(0), x.size(1) / k, k}).transpose(0, 1);
}

}  // namespace

at::Tensor times_blocks(const at::Tensor& x, const at::Tensor& blocks) {
  const std::int64_t k = blocks.size(1);
  if (blocks.size(0) == 1) return x.reshape({-1, k}).mm(blocks[0]).view(x.sizes());
  at::Tensor z = at::empty(x.sizes(), x.options()), by_k = by_block(z, k);
  at::bmm_out(by_k, by_block(x.contiguous(), k), blocks);
  return z;
}

at::Tensor gradient_of_blocks(const at::Tensor& x, const at::Tensor& dz, const at::Tensor& blocks) {
  const std::int64_t k = blocks.size(1);
  if (blocks.size(0) == 1) return x.reshape({-1, k}).t().mm(dz.reshape({-1, k})).unsqueeze(0);
  return at::bmm(by_block(x.contiguous(), k).transpose(1, 2), by_block(dz.contiguous(), k));
}

at::Tensor some_left_out(const at::Tensor& blocks, double share, const Rng& rng) {
  std::vector<std::uint32_t> order(static_cast<std::size_t>(blocks.size(0)));
  std::iota(order.begin(), order.end(), 0u);
  shuffle(order, rng);
  const auto count = static_cast<std::size_t>(share * static_cast<double>(order.size()));
  const at::Tensor here = at::ones({blocks.size(0), 1, 1}, at::kFloat);
  for (std::size_t i = 0; i < count; ++i) here.mutable_data_ptr<float>()[order[i]] = 0;
  const at::Tensor stays_b11 = here.to(blocks.device());
  return stays_b11 * blocks + (1 - stays_b11) * at::eye(blocks.size(1), blocks.options());
}

}  // namespace pst::peft
