// SPDX-License-Identifier: Apache-2.0
#include "peft/lora_linear.hpp"

#include <ATen/ops/matmul.h>

#include "support/tensors.hpp"

namespace pst::peft {
namespace {

using fixture::close_to;
using fixture::random;

std::unique_ptr<nn::Linear> dense(std::int64_t out, std::int64_t in, at::ScalarType dtype = at::kFloat) {
  return std::make_unique<nn::DenseLinear>(random({out, in}, 1, dtype), random({out}, 2, dtype));
}

struct Lora {
  nn::ParameterSet parameters;
  LoraLinear layer;
  at::Tensor gradient;
  explicit Lora(LoraOptions options, at::ScalarType dtype = at::kFloat)
      : layer(dense(20, 12, dtype), "l", options, 3, parameters) {
    parameters.allocate(dtype);
    gradient = parameters.new_gradient();
    parameters.accumulate_into(gradient);
  }
  void fill() {
    at::NoGradGuard no_gradients;
    layer.a().value.copy_(random({4, 12}, 5));
    layer.b().value.copy_(random({20, 4}, 6));
    parameters.refresh_compute();
  }
};

TEST(LoraLinear, StartsEqualToItsBase) {
  const Lora lora({.r = 4});
  const at::Tensor x = random({6, 12}, 3);

  EXPECT_THAT(lora.layer.forward(x, {}).detach(), fixture::bitwise_equal(dense(20, 12)->forward(x, {})));
}

TEST(LoraLinear, ForwardAndEveryGradientMatchAutograd) {
  Lora lora({.r = 4, .scale = 1.5});
  lora.fill();
  const at::Tensor x = random({6, 12}, 3).set_requires_grad(true), dy = random({6, 20}, 4);
  const auto twin = [](const at::Tensor& t) { return t.detach().clone().set_requires_grad(true); };
  const at::Tensor x2 = twin(x), a2 = twin(lora.layer.a().value), b2 = twin(lora.layer.b().value);

  const at::Tensor y = lora.layer.forward(x, {});
  y.backward(dy);
  const at::Tensor w = random({20, 12}, 1), bias = random({20}, 2);
  const at::Tensor expected = at::matmul(x2, w.t()) + bias + at::matmul(at::matmul(x2, a2.t()), b2.t()) * 1.5;
  expected.backward(dy);

  EXPECT_THAT(y.detach(), close_to(expected.detach(), 1e-5));
  EXPECT_THAT(x.grad(), close_to(x2.grad(), 1e-5));
  EXPECT_THAT(lora.layer.a().value.grad(), close_to(a2.grad(), 1e-5));
  EXPECT_THAT(lora.layer.b().value.grad(), close_to(b2.grad(), 1e-5));
}

TEST(LoraLinear, GradientsLandInTheFlatBufferAndAddUp) {
  Lora lora({.r = 4});
  lora.fill();
  const at::Tensor x = random({6, 12}, 3), dy = random({6, 20}, 4);

  lora.layer.forward(x, {}).backward(dy);
  const at::Tensor once = lora.gradient.clone();
  lora.layer.forward(x, {}).backward(dy);

  EXPECT_GT(once.abs().sum().item().toDouble(), 0);
  EXPECT_THAT(lora.gradient, close_to(once * 2, 1e-5));
}

TEST(LoraLinear, DropoutMaskIsTheSameInBackward) {
  Lora lora({.r = 4, .scale = 1, .dropout = 0.5});
  lora.fill();
  const nn::Pass pass{.training = true, .random = Rng(11)};
  const at::Tensor x = random({6, 12}, 3).set_requires_grad(true), dy = random({6, 20}, 4);

  lora.layer.forward(x, pass).backward(dy);

  // The layer is linear in x for a fixed mask, so the directional derivative is exact.
  const at::Tensor direction = random({6, 12}, 8);
  const at::Tensor up = lora.layer.forward(x.detach() + direction, pass).detach(),
                   down = lora.layer.forward(x.detach() - direction, pass).detach();
  const double slope = ((up - down) * dy).sum().item().toDouble() / 2;
  EXPECT_NEAR((x.grad() * direction).sum().item().toDouble(), slope, 1e-4);
  EXPECT_GT(fixture::largest_difference(lora.layer.forward(x.detach(), pass).detach(),
                                        lora.layer.forward(x.detach(), {}).detach()),
            0.01);
}

TEST(LoraLinear, Bf16StaysNearF32) {
  Lora wide({.r = 4}), narrow({.r = 4}, at::kBFloat16);
  wide.fill();
  narrow.fill();
  const at::Tensor x = random({6, 12}, 3);
  EXPECT_THAT(narrow.layer.forward(x.to(at::kBFloat16), {}).detach().to(at::kFloat),
              close_to(wide.layer.forward(x, {}).detach(), 0.1));
}

}  // namespace
}  // namespace pst::peft
