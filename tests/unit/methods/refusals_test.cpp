// SPDX-License-Identifier: Apache-2.0
// What does not fit a layer is refused with the key, the layer and what to write instead.
#include <gmock/gmock.h>

#include "config/parse_yaml.hpp"
#include "config/reader.hpp"
#include "core/strings.hpp"
#include "methods/method.hpp"
#include "support/errors.hpp"

namespace pst::methods {
namespace {

using ::testing::HasSubstr;

/// A layer of 12 outputs and 10 inputs, and what the section makes of it.
std::vector<Adapted> adapted(const std::string& section) {
  Adapter adapter;
  config::Problems problems;
  config::read(config::parse_yaml(section, "recipe.yaml", problems), adapter, problems);
  problems.throw_if_any();
  return adapt(adapter, {{.name = "model.layers.0.mlp.up_proj", .out = 12, .in = 10}});
}

struct Case {
  std::string name, section, message, remedy;
};
void PrintTo(const Case& of, std::ostream* out) { *out << of.name; }

class Refused : public testing::TestWithParam<Case> {};

TEST_P(Refused, WithTheKeyAndARemedy) {
  const std::string report = fixture::error_of(Fault::usage, [] { adapted(GetParam().section); });
  EXPECT_THAT(report, HasSubstr(GetParam().message));
  EXPECT_THAT(report, HasSubstr(GetParam().remedy));
}

const Case kCases[] = {
    {"block", "{type: oft, oft_block_size: 4}",
     "adapter.oft_block_size is 4, which does not divide the 10 inputs of model.layers.0.mlp.up_proj",
     "write oft_block_size: 2 or 5"},
    {"blocks", "{type: oft, oft_block_size: 0, r: 3}", "adapter.r is 3, which does not divide the 10 inputs",
     "write r: 2 or 5"},
    {"both", "{type: oft, oft_block_size: 5, r: 2}", "adapter.oft_block_size is 5 and adapter.r is 2", "r: 0"},
    {"neither", "{type: boft, boft_block_size: 0}", "adapter.boft_block_size and adapter.boft_block_num are both 0",
     "give one of them"},
    {"one_input", "{type: oft, oft_block_size: 1}", "blocks of one input", "raise adapter.oft_block_size"},
    {"butterfly", "{type: boft, boft_block_size: 2, boft_n_butterfly_factor: 2}",
     "adapter.boft_n_butterfly_factor is 2, which needs an even block size and a number of blocks that 2 divides; "
     "model.layers.0.mlp.up_proj has 5 blocks of 2",
     "lower boft_n_butterfly_factor"},
    {"reflections", "{type: hra, r: 11, apply_GS: true}", "adapter.r is 11, and model.layers.0.mlp.up_proj has 10",
     "write r: 10 or less"},
    {"wide_block", "{type: miss, r: 11}", "adapter.r is 11, and model.layers.0.mlp.up_proj has 10 inputs",
     "lower adapter.r"},
    {"bat", "{type: miss, r: 5, init_weights: bat}", "adapter.r is 5, which does not divide the 12 outputs",
     "write r: 4 or 6"},
    {"mini", "{type: miss, r: 5, init_weights: mini, mini_r: 5}",
     "adapter.mini_r is 5, which does not divide the 12 outputs", "write mini_r: 4 or 6"},
    {"odd_group", "{type: road, group_size: 3}", "adapter.group_size is 3, and groups are made of pairs",
     "write group_size: 4"},
    {"group", "{type: road, group_size: 8}", "adapter.group_size is 8, which does not divide the 12 outputs",
     "write group_size: 6 or 12"},
    {"shares", "{type: gralora, r: 5}", "adapter.gralora_k is 2, which does not divide adapter.r, 5", "write r: 6"},
    {"sides", "{type: gralora, r: 4, gralora_k: 4}", "adapter.gralora_k is 4, which does not divide the 10 inputs",
     "write gralora_k: 2 or 5"},
    {"circulant", "{type: c3a, block_size: 5}", "adapter.block_size is 5, which does not divide the 12 outputs",
     "write block_size: 4 or 6"},
    {"too_many", "{type: shira, r: 6}", "adapter.r is 6, which makes 132 trained values of the 120 of", "write r: 5"},
    {"frequencies", "{type: fourierft, n_frequency: 121}",
     "adapter.n_frequency gives model.layers.0.mlp.up_proj 121 coefficients, and its weight has 120 values",
     "write n_frequency: 120 or less"},
    {"wavelets", "{type: waveft, n_frequency: 10, n_frequency_pattern: {up_proj: 130}}",
     "adapter.n_frequency gives model.layers.0.mlp.up_proj 130 coefficients", "n_frequency_pattern"},
    {"wavelet_family", "{type: waveft, wavelet_family: coif4}", "wavelet_family is", "coif1 to coif3"},
    {"directions", "{type: psoft, r: 11}", "adapter.r is 11, and model.layers.0.mlp.up_proj has only 10",
     "write r: 10 or less"},
    {"one_direction", "{type: psoft, r: 1}", "adapter.r is 1, and one direction cannot be turned", "psoft_orth: false"},
    {"skills", "{type: poly, n_splits: 4}", "adapter.n_splits is 4, which does not divide the 10 inputs",
     "write n_splits: 2 or 5"},
    {"nothing_sparse", "{type: supertuning, sparsity: 0.999}",
     "adapter.sparsity is 0.999, which leaves none of the 120 values of model.layers.0.mlp.up_proj to train",
     "lower it"},
    {"no_lora", "{type: supertuning, lora_alpha: 4}", "adapter.lora_alpha is given, and there is no LoRA", "write r"},
    {"all_stay", "{type: osf, effective_rank: 10}",
     "adapter.effective_rank is 10, and model.layers.0.mlp.up_proj has only 10", "write effective_rank: 9 or less"},
    {"none_stays", "{type: osf, effective_rank: 0.05}", "adapter.effective_rank is 0.05, of which none of the 10",
     "write effective_rank: 1"},
    {"broken_rank", "{type: osf, effective_rank: 2.5}", "adapter.effective_rank is 2.5 for model.layers.0.mlp.up_proj",
     "write a whole number"},
    {"two_ranks", "{type: osf, rank_pattern: {up_proj: 3, mlp: 4}}",
     "adapter.rank_pattern has two values for model.layers.0.mlp.up_proj: 4 by \"mlp\" and 3 by \"up_proj\"",
     "one alone fits"},
    {"nothing", "{type: glora, config_A_B: none}",
     "adapter.config_A_B is none, and nothing else of model.layers.0.mlp.up_proj is trained, which has no bias",
     "write config_A_B: lora"},
};
INSTANTIATE_TEST_SUITE_P(Cases, Refused, testing::ValuesIn(kCases), [](const auto& of) { return of.param.name; });

}  // namespace
}  // namespace pst::methods
