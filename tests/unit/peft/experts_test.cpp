// SPDX-License-Identifier: Apache-2.0
// LoRA on the experts of a mixture, each by itself.
#include "families/read_model.hpp"
#include "model/decoder.hpp"
#include "objective/objective.hpp"
#include "peft/adapter.hpp"
#include "source_tree.hpp"
#include "support/adapters.hpp"
#include "support/tensors.hpp"

namespace pst::peft {
namespace {

const fs::path kModel = fs::path(PST_SOURCE_DIR) / "tests/fixtures/models/qwen3_moe";
constexpr const char* kExperts = R"(.*\.experts\.\d+\.(gate|up|down)_proj)";

std::unique_ptr<nn::CausalLm> model() {
  const families::ModelSpec spec = families::read_model(kModel);
  return model::load(spec, families::open_weights(kModel, spec), at::kFloat, 64);
}
methods::Targets pattern(std::string text) {
  return {.kind = methods::Targets::Kind::pattern, .names = {}, .pattern = std::move(text)};
}
nn::Batch batch() { return nn::make_batch(fixture::Tokens({9, 14}, 60, 1).spans(), 61); }
double loss(const nn::CausalLm& of) {
  return objective::cross_entropy()->value(objective::Scorer(of, {}, nn::Recompute::nothing), batch());
}

TEST(Experts, AreAdaptedOnlyWhereATargetSaysSo) {
  const auto moe = model();
  const auto count = [&](const methods::Targets& targets) {
    return make_adapter(*model(), fixture::lora({.r = 2}, targets), at::kFloat)->modules().size();
  };
  constexpr std::size_t kLayers = 3, kAttention = 4, kEach = 5 * 3;
  EXPECT_EQ(count({}), kLayers * kAttention);
  EXPECT_EQ(count(pattern(kExperts)), kLayers * kEach);
  EXPECT_EQ(count(fixture::named({"experts.1.up_proj", "q_proj"})), kLayers * 2);
  EXPECT_EQ(count(pattern(R"(.*_proj)")), kLayers * kAttention);
}

TEST(Experts, GradientsAreTheSlopesOfTheLoss) {
  const auto moe = model();
  const auto adapter = make_adapter(*moe, fixture::lora({.r = 2}, pattern(kExperts)), at::kFloat);
  adapter->initialise(1);
  auto& all = adapter->parameters().all();
  {
    const at::NoGradGuard no_gradients;
    for (auto& parameter : all) parameter.value.add_(fixture::random(parameter.shape, 3), 0.2);  // B is zero else
  }
  adapter->parameters().refresh_compute();
  const at::Tensor gradient = adapter->parameters().new_gradient();
  adapter->parameters().accumulate_into(gradient);
  const auto objective = objective::cross_entropy();
  objective->backward(objective::Scorer(*moe, {}, nn::Recompute::layers), batch(), 1);

  std::size_t moved = 0;
  for (std::size_t i = 0; i < all.size(); i += 7) {
    nn::Parameter& parameter = all[i];
    const double found = gradient[parameter.offset + 1].item().toDouble();
    const auto loss_at = [&](double step) {
      const at::NoGradGuard no_gradients;
      const at::Tensor one = parameter.value.view({-1})[1];
      const double before = one.item().toDouble();
      one.fill_(before + step);
      adapter->parameters().refresh_compute();
      const double value = loss(*moe);
      one.fill_(before);
      return value;
    };
    EXPECT_NEAR(found, (loss_at(2e-3) - loss_at(-2e-3)) / 4e-3, 2e-2) << parameter.name;
    if (std::abs(found) > 0.1) ++moved;
  }
  EXPECT_GE(moved, 3u);
}

}  // namespace
}  // namespace pst::peft
