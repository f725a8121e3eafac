// SPDX-License-Identifier: Apache-2.0
#include "peft/adapter.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "core/file.hpp"
#include "families/read_model.hpp"
#include "methods/peft_config.hpp"
#include "model/decoder.hpp"
#include "source_tree.hpp"
#include "support/adapters.hpp"
#include "support/errors.hpp"
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
    return model::load(families::read_model(dir / "model"), weights::TensorStore::open(dir / "model"), at::kFloat, 64);
  }
};

std::unique_ptr<Adapter> lora(nn::CausalLm& model, int r) {
  return make_adapter(model, fixture::lora({.r = r}), at::kFloat);
}

TEST(Adapter, AdaptsEveryLinearButTheHead) {
  const Folder folder;
  const auto model = folder.model();
  EXPECT_EQ(lora(*model, 4)->modules().size(), 2u * 7u);
}

TEST(Adapter, LayersThatReadOneInputHaveTheirAsSideBySide) {
  const Folder folder;
  const auto model = folder.model();
  const auto adapter =
      make_adapter(*model, fixture::lora({.r = 4}, fixture::named({"q_proj", "v_proj", "up_proj"})), at::kFloat);
  std::vector<std::string> names;
  for (const auto& parameter : adapter->parameters().all()) names.push_back(parameter.name);
  const std::string first = "model.layers.0.", second = "model.layers.1.";
  std::vector<std::string> expected;
  for (const std::string& layer : {first, second})
    for (const char* const name : {"self_attn.q_proj.lora_A", "self_attn.v_proj.lora_A", "self_attn.q_proj.lora_B",
                                   "self_attn.v_proj.lora_B", "mlp.up_proj.lora_A", "mlp.up_proj.lora_B"})
      expected.push_back(layer + name + ".weight");
  EXPECT_EQ(names, expected);
}

TEST(Adapter, InitialisationIsAFunctionOfTheSeed) {
  const Folder folder;
  const auto first = folder.model(), second = folder.model(), third = folder.model();
  const auto a = lora(*first, 4), b = lora(*second, 4), c = lora(*third, 4);
  a->initialise(1);
  b->initialise(1);
  c->initialise(2);
  EXPECT_THAT(a->parameters().flat(), fixture::bitwise_equal(b->parameters().flat()));
  EXPECT_GT(fixture::largest_difference(a->parameters().flat(), c->parameters().flat()), 0.01);
  EXPECT_LE(a->parameters().all()[0].value.abs().max().item().toDouble(), 1 / std::sqrt(32.0));
}

TEST(Adapter, SavesWhatItLoads) {
  const Folder folder;
  const auto first = folder.model(), second = folder.model();
  const methods::Adapter recipe = fixture::lora({.r = 4, .rank_pattern = {{"q_proj", 2}}});
  const auto a = make_adapter(*first, recipe, at::kFloat), b = make_adapter(*second, recipe, at::kFloat);
  a->initialise(1);

  a->save(folder.dir / "adapter", "some/model");
  b->load(folder.dir / "adapter");

  EXPECT_THAT(b->parameters().flat(), fixture::bitwise_equal(a->parameters().flat()));
  const auto config = nlohmann::json::parse(read_file(folder.dir / "adapter/adapter_config.json"));
  EXPECT_EQ(config["target_modules"],
            (nlohmann::json{"down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj"}));
  EXPECT_EQ(config["peft_type"], "LORA");
  EXPECT_EQ(config["rank_pattern"]["q_proj"], 2);
  const auto store = weights::TensorStore::open(folder.dir / "adapter/adapter_model.safetensors");
  EXPECT_EQ(store.get("base_model.model.model.layers.1.self_attn.q_proj.lora_A.weight").shape,
            (std::vector<std::int64_t>{2, 32}));
  EXPECT_EQ(methods::read_peft_config(folder.dir / "adapter").as<methods::Lora>().rank_pattern,
            recipe.as<methods::Lora>().rank_pattern);
}

TEST(Adapter, RefusesAnAdapterOfAnotherShape) {
  const Folder folder;
  const auto first = folder.model(), second = folder.model();
  const auto a = lora(*first, 4), b = lora(*second, 8);
  a->initialise(1);
  a->save(folder.dir / "adapter", "m");
  EXPECT_THROW(b->load(folder.dir / "adapter"), Error);
}

TEST(Adapter, RefusesARankAboveALayersSmallerSide) {
  const Folder folder;
  const auto model = folder.model();
  EXPECT_THROW(lora(*model, 17), Error);  // k_proj is 16 wide
}

/// PEFT writes the whole embedding beside its update. The recorded adapter is llama's, llama_tied has other values.
TEST(Adapter, AnotherEmbeddingThanTheModelsIsRefused) {
  const fs::path recorded = fs::path(PST_SOURCE_DIR) / "tests/fixtures/models";
  const auto load_onto = [&](const char* name) {
    const auto model =
        model::load(families::read_model(recorded / name), weights::TensorStore::open(recorded / name), at::kFloat, 64);
    const fs::path folder = recorded / "llama/lora_embedding";
    make_adapter(*model, methods::read_peft_config(folder), at::kFloat)->load(folder);
  };
  EXPECT_NO_THROW(load_onto("llama"));
  EXPECT_THAT(fixture::error_of(Fault::data, [&] { load_onto("llama_tied"); }),
              testing::HasSubstr("is another embedding than this model's"));
}

}  // namespace
}  // namespace pst::peft
