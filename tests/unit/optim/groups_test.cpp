// SPDX-License-Identifier: Apache-2.0
#include "optim/groups.hpp"

#include "optim/optimizer.hpp"
#include "support/tensors.hpp"

namespace pst::optim {
namespace {

Group group(const recipe::Optimizer& settings, const std::string& name,
            const std::vector<std::int64_t>& shape = {4, 4}) {
  return group_of(settings, {.name = name, .shape = shape, .value = {}, .compute = {}});
}

TEST(Groups, NormsAndBiasesDoNotDecay) {
  const recipe::Optimizer settings{.weight_decay = 0.1};
  for (const char* name :
       {"model.layers.0.self_attn.q_proj.lora_B.bias", "model.layers.0.input_layernorm.weight", "model.norm.weight",
        "model.layers.0.self_attn.q_norm.weight", "transformer.h.0.ln_1.weight", "model.layers.1.mlp.down_proj.BIAS"})
    EXPECT_EQ(group(settings, name), (Group{.weight_decay = 0})) << name;
  for (const char* name : {"model.layers.0.self_attn.q_proj.lora_A.weight", "model.normalizer.lora_B.weight",
                           "model.layers.0.mlp.down_proj.lora_magnitude_vector"})
    EXPECT_EQ(group(settings, name), (Group{.weight_decay = 0.1})) << name;
}

TEST(Groups, EverythingDecaysWhereTheRecipeSaysSo) {
  const recipe::Optimizer settings{.weight_decay = 0.1, .no_decay = recipe::NoDecay::nothing};
  EXPECT_EQ(group(settings, "model.norm.weight"), (Group{.weight_decay = 0.1}));
}

TEST(Groups, LoraPlusGivesBAnotherRate) {
  const recipe::Optimizer settings{
      .lr = 1e-4, .weight_decay = 0.1, .loraplus_lr_ratio = 16, .loraplus_weight_decay = 0.2};
  EXPECT_EQ(group(settings, "q_proj.lora_A.weight"), (Group{1, 0.2}));
  EXPECT_EQ(group(settings, "q_proj.lora_B.weight"), (Group{16, 0.2}));
  EXPECT_EQ(group(settings, "q_proj.lora_B.bias", {4}), (Group{16, 0}));
  EXPECT_EQ(group(settings, "q_proj.lora_magnitude_vector", {4}), (Group{16, 0.2}));
  EXPECT_EQ(group(settings, "embed_tokens.lora_embedding_B"), (Group{1e-6 / 1e-4, 0.2}));
}

/// LoRA matrices as they lie in the flat array, some of them odd.
void lora_parameters(nn::ParameterSet& parameters) {
  for (const char* layer : {"q", "k", "v"}) {
    parameters.add(std::string(layer) + ".lora_A.weight", {4, 33});
    parameters.add(std::string(layer) + ".lora_B.weight", {70, 4});
    parameters.add(std::string(layer) + ".lora_B.bias", {70});
  }
  parameters.allocate(at::kFloat);
  parameters.flat().copy_(fixture::random({parameters.size()}, 1));
}

/// The values after three updates, each by as many optimizers as there are ranks.
at::Tensor trained(nn::ParameterSet& parameters, const recipe::Optimizer& settings, int ranks) {
  const parallel::FlatShares shares(parameters, ranks);
  std::vector<Optimizer> of_ranks;
  for (int rank = 0; rank < ranks; ++rank) of_ranks.emplace_back(settings, parameters, shares, rank);
  for (std::int64_t number = 1; number <= 3; ++number) {
    const at::Tensor gradient = fixture::random({parameters.size()}, static_cast<std::uint64_t>(10 + number));
    for (Optimizer& optimizer : of_ranks) optimizer.update(parameters, gradient, {.lr = settings.lr, .number = number});
  }
  return parameters.flat();
}

TEST(Groups, EachTensorMovesAsAloneWithItsRateAndDecay) {
  const recipe::Optimizer settings{.lr = 1e-3, .weight_decay = 0.1, .loraplus_lr_ratio = 4};
  nn::ParameterSet together;
  lora_parameters(together);
  trained(together, settings, 1);

  for (const nn::Parameter& parameter : together.all()) {
    const Group mine = group_of(settings, parameter);
    nn::ParameterSet alone;
    lora_parameters(alone);
    trained(alone,
            {.lr = 1e-3 * mine.lr_factor, .weight_decay = mine.weight_decay, .no_decay = recipe::NoDecay::nothing}, 1);
    const auto of = [&](const nn::ParameterSet& set) {
      return set.flat().narrow(0, parameter.offset, parameter.count());
    };
    EXPECT_THAT(of(together), fixture::bitwise_equal(of(alone))) << parameter.name;
  }
}

TEST(Groups, SharesHaveTheBitsOfTheWhole) {
  const recipe::Optimizer settings{.lr = 1e-3, .weight_decay = 0.1, .loraplus_lr_ratio = 4};
  nn::ParameterSet whole;
  lora_parameters(whole);
  trained(whole, settings, 1);
  for (const int ranks : {2, 4}) {
    nn::ParameterSet shared;
    lora_parameters(shared);
    EXPECT_THAT(trained(shared, settings, ranks), fixture::bitwise_equal(whole.flat())) << ranks;
  }
}

}  // namespace
}  // namespace pst::optim
