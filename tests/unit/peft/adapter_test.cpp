// SPDX-License-Identifier: Apache-2.0
#include "peft/lora_adapter.hpp"
#include "families/read_model.hpp"

#include <nlohmann/json.hpp>

#include "core/file.hpp"
#include "model/decoder.hpp"
#include "support/temporary_directory.hpp"
#include "support/tensors.hpp"
#include "support/tiny_model.hpp"
#include "weights/safetensors.hpp"

namespace pst::peft {
namespace {

struct Folder {
  fixture::TemporaryDirectory dir;
  Folder() { fixture::write_tiny_model(dir / "model"); }
  std::unique_ptr<nn::CausalLm> model() const {
    return model::load(families::read_model(dir / "model"), weights::TensorStore::open(dir / "model"),
                             at::kFloat, 64);
  }
};

recipe::Adapter lora(int r) {
  recipe::Adapter adapter;
  adapter.r = r;
  return adapter;
}

TEST(LoraAdapter, AdaptsEveryLinearButTheHead) {
  const Folder folder;
  const auto model = folder.model();
  EXPECT_EQ(LoraAdapter(*model, lora(4), at::kFloat).layers(), 2u * 7u);
}

TEST(LoraAdapter, LayersThatReadOneInputHaveTheirAsSideBySide) {
  const Folder folder;
  const auto model = folder.model();
  recipe::Adapter recipe = lora(4);
  recipe.target_modules = {.kind = recipe::Targets::Kind::names, .names = {"q_proj", "v_proj", "up_proj"}};
  LoraAdapter adapter(*model, recipe, at::kFloat);
  std::vector<std::string> names;
  for (const auto& parameter : adapter.parameters().all()) names.push_back(parameter.name);
  const std::string first = "model.layers.0.", second = "model.layers.1.";
  std::vector<std::string> expected;
  for (const std::string& layer : {first, second})
    for (const char* const name : {"self_attn.q_proj.lora_A", "self_attn.v_proj.lora_A", "self_attn.q_proj.lora_B",
                                   "self_attn.v_proj.lora_B", "mlp.up_proj.lora_A", "mlp.up_proj.lora_B"})
      expected.push_back(layer + name + ".weight");
  EXPECT_EQ(names, expected);
}

TEST(LoraAdapter, InitialisationIsAFunctionOfTheSeed) {
  const Folder folder;
  const auto first = folder.model(), second = folder.model(), third = folder.model();
  LoraAdapter a(*first, lora(4), at::kFloat), b(*second, lora(4), at::kFloat), c(*third, lora(4), at::kFloat);
  a.initialise(1);
  b.initialise(1);
  c.initialise(2);
  EXPECT_THAT(a.parameters().flat(), fixture::bitwise_equal(b.parameters().flat()));
  EXPECT_GT(fixture::largest_difference(a.parameters().flat(), c.parameters().flat()), 0.01);
  EXPECT_LE(a.parameters().all()[0].value.abs().max().item().toDouble(), 1 / std::sqrt(32.0));
}

TEST(LoraAdapter, SavesWhatItLoads) {
  const Folder folder;
  const auto first = folder.model(), second = folder.model();
  recipe::Adapter recipe = lora(4);
  recipe.rank_pattern = {{"q_proj", 2}};
  LoraAdapter a(*first, recipe, at::kFloat), b(*second, recipe, at::kFloat);
  a.initialise(1);

  a.save(folder.dir / "adapter", "some/model");
  b.load(folder.dir / "adapter");

  EXPECT_THAT(b.parameters().flat(), fixture::bitwise_equal(a.parameters().flat()));
  const auto config = nlohmann::json::parse(read_file(folder.dir / "adapter/adapter_config.json"));
  EXPECT_EQ(config["target_modules"],
            (nlohmann::json{"down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj"}));
  EXPECT_EQ(config["peft_type"], "LORA");
  EXPECT_EQ(config["rank_pattern"]["q_proj"], 2);
  const auto store = weights::TensorStore::open(folder.dir / "adapter/adapter_model.safetensors");
  EXPECT_EQ(store.get("base_model.model.model.layers.1.self_attn.q_proj.lora_A.weight").shape,
            (std::vector<std::int64_t>{2, 32}));
  EXPECT_EQ(read_adapter_config(folder.dir / "adapter").rank_pattern, recipe.rank_pattern);
}

TEST(LoraAdapter, RefusesAnAdapterOfAnotherShape) {
  const Folder folder;
  const auto first = folder.model(), second = folder.model();
  LoraAdapter a(*first, lora(4), at::kFloat), b(*second, lora(8), at::kFloat);
  a.initialise(1);
  a.save(folder.dir / "adapter", "m");
  EXPECT_THROW(b.load(folder.dir / "adapter"), Error);
}

TEST(LoraAdapter, RefusesARankAboveALayersSmallerSide) {
  const Folder folder;
  const auto model = folder.model();
  EXPECT_THROW(LoraAdapter(*model, lora(17), at::kFloat), Error);  // k_proj is 16 wide
}

}  // namespace
}  // namespace pst::peft
