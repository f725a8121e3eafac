// SPDX-License-Identifier: Apache-2.0
#include "ops/norm.hpp"

#include <ATen/ops/mean.h>
#include <ATen/ops/rsqrt.h>

#include "ops/activation.hpp"
#include "support/tensors.hpp"

namespace pst::ops {
namespace {

using fixture::close_to;
using fixture::random;

at::Tensor plain_norm(const at::Tensor& x, const at::Tensor& weight) {
  return x * x.pow(2).mean(-1, true).add(1e-5).rsqrt() * weight;
}

TEST(AddNorm, ForwardAndBackwardMatchAutograd) {
  const at::Tensor weight = random({24}, 3), to_sum = random({5, 24}, 4), to_y = random({5, 24}, 5);
  const at::Tensor x = random({5, 24}, 1).set_requires_grad(true), delta = random({5, 24}, 2).set_requires_grad(true);
  const at::Tensor x2 = x.detach().clone().set_requires_grad(true),
                   delta2 = delta.detach().clone().set_requires_grad(true);

  const auto [sum, y] = add_norm(x, delta, {.weight = weight, .eps = 1e-5});
  (sum * to_sum + y * to_y).sum().backward();
  const at::Tensor plain_sum = x2 + delta2;
  const at::Tensor plain_y = plain_norm(plain_sum, weight);
  (plain_sum * to_sum + plain_y * to_y).sum().backward();

  EXPECT_THAT(y.detach(), close_to(plain_y.detach(), 1e-6));
  EXPECT_THAT(x.grad(), close_to(x2.grad(), 1e-5));
  EXPECT_THAT(delta.grad(), close_to(delta2.grad(), 1e-5));
}

TEST(AddNorm, BackwardWhenOnlyTheSumIsUsed) {
  const at::Tensor x = random({5, 24}, 1).set_requires_grad(true);
  const auto [sum, y] = add_norm(x, random({5, 24}, 2), {.weight = random({24}, 3), .eps = 1e-5});
  sum.sum().backward();
  EXPECT_EQ(x.grad().min().item().toDouble(), 1.0);
  EXPECT_EQ(x.grad().max().item().toDouble(), 1.0);
}

TEST(Norm, OfHeadsSideBySideWithWeightsOfTheirOwn) {
  const Norm by{.weight = random({3, 8}, 3), .bias = random({3, 8}, 6), .eps = 1e-5, .centred = true};
  const at::Tensor x = random({5, 24}, 1).set_requires_grad(true), d = random({5, 24}, 2);
  const at::Tensor x2 = x.detach().clone().set_requires_grad(true);

  const at::Tensor y = norm(x, by);
  y.backward(d);
  const at::Tensor heads = x2.view({5, 3, 8});
  const at::Tensor away = heads - heads.mean(-1, true);
  const at::Tensor plain = (away * away.pow(2).mean(-1, true).add(1e-5).rsqrt() * by.weight + by.bias).view({5, 24});
  plain.backward(d);

  EXPECT_THAT(y.detach(), close_to(plain.detach(), 2e-6));
  EXPECT_THAT(x.grad(), close_to(x2.grad(), 1e-5));
}

TEST(Gated, BackwardMatchesAutograd) {
  const at::Tensor g = random({4, 10}, 1).set_requires_grad(true), u = random({4, 10}, 2).set_requires_grad(true),
                   d = random({4, 10}, 3);
  const at::Tensor g2 = g.detach().clone().set_requires_grad(true), u2 = u.detach().clone().set_requires_grad(true);

  gated(kernels::Act::silu, g, u).backward(d);
  (g2 * g2.sigmoid() * u2).backward(d);

  EXPECT_THAT(g.grad(), close_to(g2.grad(), 1e-6));
  EXPECT_THAT(u.grad(), close_to(u2.grad(), 1e-6));
}

}  // namespace
}  // namespace pst::ops
