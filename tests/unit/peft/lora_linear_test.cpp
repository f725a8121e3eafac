// SPDX-License-Identifier: Apache-2.0
#include "peft/lora_linear.hpp"

#include <ATen/ops/matmul.h>

#include <array>
#include <set>
#include <utility>

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

// ---- layers that read the same x

/// Three layers of different widths and ranks over one x, their A's side by side in memory.
struct Three {
  static constexpr std::array<std::int64_t, 3> kOut = {20, 8, 12}, kRank = {4, 2, 8};
  nn::ParameterSet parameters;
  std::vector<std::unique_ptr<LoraLinear>> layers;
  at::Tensor gradient;

  explicit Three(std::array<LoraOptions, 3> options) {
    std::vector<nn::Parameter*> a, b;
    std::vector<std::unique_ptr<nn::Linear>> bases;
    for (std::size_t i = 0; i < 3; ++i) {
      bases.push_back(std::make_unique<nn::DenseLinear>(random({kOut[i], 16}, 10 + i), random({kOut[i]}, 20 + i)));
      a.push_back(&parameters.add(name(i) + ".lora_A", {options[i].r, 16}));
    }
    for (std::size_t i = 0; i < 3; ++i) b.push_back(&parameters.add(name(i) + ".lora_B", {kOut[i], options[i].r}));
    for (std::size_t i = 0; i < 3; ++i)
      layers.push_back(std::make_unique<LoraLinear>(std::move(bases[i]), name(i), options[i], i, *a[i], *b[i]));
    const auto group = std::make_shared<LoraGroup>();
    for (const auto& layer : layers) layer->join(group);
    parameters.allocate(at::kFloat);
    gradient = parameters.new_gradient();
    parameters.accumulate_into(gradient);
    at::NoGradGuard no_gradients;
    for (std::size_t i = 0; i < parameters.all().size(); ++i) {
      const at::Tensor& value = parameters.all()[i].value;
      value.copy_(random(value.sizes().vec(), 30 + i));
    }
  }
  static std::string name(std::size_t i) { return std::string(1, static_cast<char>('a' + i)); }
  static std::array<LoraOptions, 3> alike(double dropout = 0) {
    return {LoraOptions{kRank[0], 1.5, dropout}, {kRank[1], 1.5, dropout}, {kRank[2], 1.5, dropout}};
  }
  std::vector<at::Tensor> together(const at::Tensor& x, const nn::Pass& pass = {}) const {
    return nn::forward_together({layers[0].get(), layers[1].get(), layers[2].get()}, "abc", x, pass);
  }
  std::vector<at::Tensor> one_by_one(const at::Tensor& x, const nn::Pass& pass = {}) const {
    std::vector<at::Tensor> y;
    for (const auto& layer : layers) y.push_back(layer->forward(x, pass));
    return y;
  }
  /// Which node made them, by address.
  static std::set<const void*> nodes(const std::vector<at::Tensor>& y) {
    std::set<const void*> found;
    for (const auto& tensor : y) found.insert(tensor.grad_fn().get());
    return found;
  }
};

at::Tensor dy_of(std::size_t i, const at::Tensor& y) { return random(y.sizes().vec(), 50 + i); }

/// Gradient of x and of all parameters, with dy of those outputs that `arrives` names.
std::pair<at::Tensor, at::Tensor> gradients(Three& three, bool together, const std::set<std::size_t>& arrives,
                                            const nn::Pass& pass = {}) {
  three.gradient.zero_();
  const at::Tensor x = random({6, 16}, 3).set_requires_grad(true);
  const std::vector<at::Tensor> y = together ? three.together(x, pass) : three.one_by_one(x, pass);
  at::Tensor sum = (x * 0).sum();
  for (const std::size_t i : arrives) sum = sum + (y[i] * dy_of(i, y[i])).sum();
  sum.backward();
  return {x.grad(), three.gradient.clone()};
}

TEST(LoraTogether, IsOneNodeWithTheSameResults) {
  Three three(Three::alike());
  const at::Tensor x = random({6, 16}, 3).set_requires_grad(true);
  const auto all = three.together(x), each = three.one_by_one(x);

  EXPECT_EQ(Three::nodes(all).size(), 1u);
  EXPECT_EQ(Three::nodes(each).size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_THAT(all[i].detach(), close_to(each[i].detach(), 1e-5));
}

TEST(LoraTogether, EveryGradientIsThatOfTheLayersAlone) {
  Three three(Three::alike());
  for (const std::set<std::size_t>& arrives : {std::set<std::size_t>{0, 1, 2}, {1}, {0, 2}}) {
    const auto [dx, d] = gradients(three, true, arrives);
    const auto [expected_dx, expected] = gradients(three, false, arrives);
    EXPECT_THAT(dx, close_to(expected_dx, 1e-5));
    EXPECT_THAT(d, close_to(expected, 1e-5));
    EXPECT_GT(expected.abs().sum().item().toDouble(), 0);
  }
}

TEST(LoraTogether, FrozenInputsAreLeftAlone) {
  const Three three(Three::alike());
  const auto y = three.together(random({6, 16}, 3));
  for (std::size_t i = 0; i < 3; ++i) y[i].backward(dy_of(i, y[i]), /*retain_graph=*/true);
  EXPECT_GT(three.gradient.abs().sum().item().toDouble(), 0);
}

TEST(LoraTogether, DropoutGivesEachLayerItsOwnMask) {
  Three three(Three::alike(0.5));
  const nn::Pass training{.training = true, .random = Rng(11)};
  const at::Tensor x = random({6, 16}, 3).set_requires_grad(true);
  EXPECT_EQ(Three::nodes(three.together(x, training)).size(), 3u);
  EXPECT_EQ(Three::nodes(three.together(x)).size(), 1u);
  const auto [dx, d] = gradients(three, true, {0, 1, 2}, training);
  const auto [expected_dx, expected] = gradients(three, false, {0, 1, 2}, training);
  EXPECT_THAT(dx, close_to(expected_dx, 1e-5));
  EXPECT_THAT(d, fixture::bitwise_equal(expected));
}

TEST(LoraTogether, OtherScalesAndOtherLayersGoAlone) {
  const at::Tensor x = random({6, 16}, 3).set_requires_grad(true);
  auto options = Three::alike();
  options[1].scale = 2;
  EXPECT_EQ(Three::nodes(Three(options).together(x)).size(), 3u);

  const Three three(Three::alike());
  const auto plain = std::make_unique<nn::DenseLinear>(random({5, 16}, 1), std::nullopt);
  const auto y = nn::forward_together({three.layers[0].get(), plain.get()}, "mixed", x, {});
  EXPECT_EQ(Three::nodes(y).size(), 2u);
  EXPECT_THAT(y[1].detach(), close_to(plain->apply(x.detach()), 1e-6));
}

}  // namespace
}  // namespace pst::peft
