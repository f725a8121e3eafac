// SPDX-License-Identifier: Apache-2.0
#include "methods/ia3.hpp"

#include <ATen/ops/matmul.h>
#include <gmock/gmock.h>

#include "families/read_model.hpp"
#include "methods/method.hpp"
#include "methods/peft_config.hpp"
#include "model/decoder.hpp"
#include "peft/adapter.hpp"
#include "support/temporary_directory.hpp"
#include "support/tensors.hpp"
#include "support/tiny_model.hpp"
#include "weights/safetensors.hpp"

namespace pst::peft {
namespace {

struct Tiny {
  fixture::TemporaryDirectory dir;
  std::unique_ptr<nn::CausalLm> model;
  std::unique_ptr<Adapter> adapter;
  at::Tensor gradient;
  nn::Batch batch = nn::make_batch(fixture::Tokens({9, 20}, 260, 1).spans(), 320);

  explicit Tiny(at::ScalarType dtype = at::kFloat) {
    fixture::write_tiny_model(dir / "model", {.attention_bias = true, .mlp_bias = true});
    model = model::load(families::read_model(dir / "model"), weights::TensorStore::open(dir / "model"), dtype, 64);
    adapter = make_adapter(*model, methods::Adapter(*methods::find("ia3")), dtype);
    adapter->initialise(1);
    gradient = adapter->parameters().new_gradient();
    adapter->parameters().accumulate_into(gradient);
  }
  nn::Parameter& parameter(const std::string& name) {
    for (auto& parameter : adapter->parameters().all())
      if (parameter.name == name) return parameter;
    throw std::runtime_error(name);
  }
  at::Tensor hidden() const { return model->forward(batch, {.training = true}, nn::Recompute::nothing); }
  double loss() const {
    at::NoGradGuard no_gradients;
    return (hidden() * fixture::random({29, 32}, 3)).sum().item().toDouble();
  }
};

TEST(Ia3, StartsEqualToItsBase) {
  Tiny tiny;
  const auto base = model::load(families::read_model(tiny.dir / "model"),
                                weights::TensorStore::open(tiny.dir / "model"), at::kFloat, 64);
  EXPECT_THAT(tiny.hidden().detach(),
              fixture::bitwise_equal(base->forward(tiny.batch, {}, nn::Recompute::nothing).detach()));
}

TEST(Ia3, ScalesOutputsOfKeysAndValuesAndInputsOfTheDownProjection) {
  Tiny tiny;
  std::vector<std::string> names;
  for (const auto& parameter : tiny.adapter->parameters().all()) names.push_back(parameter.name);
  EXPECT_THAT(names,
              testing::ElementsAre("model.layers.0.self_attn.k_proj.ia3_l", "model.layers.0.self_attn.v_proj.ia3_l",
                                   "model.layers.0.mlp.down_proj.ia3_l", "model.layers.1.self_attn.k_proj.ia3_l",
                                   "model.layers.1.self_attn.v_proj.ia3_l", "model.layers.1.mlp.down_proj.ia3_l"));
  EXPECT_EQ(tiny.parameter(names[0]).shape, (std::vector<std::int64_t>{16, 1}));
  EXPECT_EQ(tiny.parameter(names[2]).shape, (std::vector<std::int64_t>{1, 64}));
}

TEST(Ia3, GradientsAgreeWithDifferences) {
  Tiny tiny;
  {
    at::NoGradGuard no_gradients;
    for (auto& parameter : tiny.adapter->parameters().all())
      parameter.value.add_(fixture::random(parameter.shape, 7).mul(0.2));
    tiny.adapter->parameters().refresh_compute();
  }
  tiny.hidden().backward(fixture::random({29, 32}, 3));
  for (const char* const name : {"model.layers.0.self_attn.k_proj.ia3_l", "model.layers.0.self_attn.v_proj.ia3_l",
                                 "model.layers.0.mlp.down_proj.ia3_l"}) {
    at::NoGradGuard no_gradients;
    nn::Parameter& parameter = tiny.parameter(name);
    const at::Tensor flat = parameter.value.view({-1});
    constexpr double kStep = 1e-2;
    for (const std::int64_t i : {0, 5, 11}) {
      const float before = flat[i].item().toFloat();
      const auto at_value = [&](double value) {
        flat[i].fill_(value);
        tiny.adapter->parameters().refresh_compute();
        return tiny.loss();
      };
      const double slope = (at_value(before + kStep) - at_value(before - kStep)) / (2 * kStep);
      at_value(before);
      EXPECT_NEAR(parameter.value.grad().view({-1})[i].item().toDouble(), slope, 0.02 * std::max(0.1, std::abs(slope)))
          << name << ' ' << i;
    }
  }
}

TEST(Ia3, SavesWhatItLoadsAndWhatPeftReads) {
  Tiny first, second;
  {
    at::NoGradGuard no_gradients;
    first.adapter->parameters().flat().add_(fixture::random({first.adapter->parameters().size()}, 5));
  }
  first.adapter->save(first.dir / "adapter", "some/model");
  second.adapter->load(first.dir / "adapter");

  for (std::size_t i = 0; i < 6; ++i)
    EXPECT_THAT(second.adapter->parameters().all()[i].value.detach(),
                fixture::bitwise_equal(first.adapter->parameters().all()[i].value.detach()));
  const auto again = methods::read_peft_config(first.dir / "adapter");
  EXPECT_EQ(again.method->name, "ia3");
  EXPECT_EQ(again.as<methods::Ia3>().feedforward_modules, std::vector<std::string>{"down_proj"});
}

TEST(Ia3, TheWeightItGivesIsTheOneItComputesWith) {
  Tiny tiny;
  {
    at::NoGradGuard no_gradients;
    for (auto& parameter : tiny.adapter->parameters().all())
      parameter.value.add_(fixture::random(parameter.shape, 7).mul(0.2));
    tiny.adapter->parameters().refresh_compute();
  }
  for (const auto& slot : tiny.model->linears()) {
    if (!slot.name.ends_with("layers.0.mlp.down_proj") && !slot.name.ends_with("layers.0.self_attn.k_proj")) continue;
    const nn::Linear& layer = **slot.linear;
    const at::Tensor x = fixture::random({3, layer.in_features()}, 9), zero = x.mul(0);
    const at::Tensor expected = layer.apply(x).sub(layer.apply(zero));  // without the bias
    EXPECT_THAT(at::matmul(x, layer.weight(at::kFloat).t()), fixture::close_to(expected, 1e-5)) << slot.name;
  }
}

}  // namespace
}  // namespace pst::peft
