// SPDX-License-Identifier: Apache-2.0
#include "recipe/peft_reading.hpp"

#include <gmock/gmock.h>

#include "core/strings.hpp"
#include "families/read_model.hpp"
#include "methods/method.hpp"
#include "recipe/linear_layers.hpp"
#include "support/adapters.hpp"
#include "support/errors.hpp"

namespace pst::recipe {
namespace {

using methods::Targets;
using testing::ElementsAre;
using testing::IsEmpty;

families::ModelSpec model_of(const std::string& type, const std::string& more = "") {
  return families::parse_model(
      cat(R"({"model_type": ")", type, R"(", "vocab_size": 100, "hidden_size": 64, "intermediate_size": 32,)",
          R"("num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 4)", more, "}"),
      "config.json");
}

methods::Adapter adapter_of(Targets targets) { return fixture::lora({.r = 1}, std::move(targets)); }

std::vector<std::string> endings(const methods::Adapter& adapter, const families::ModelSpec& model) {
  const auto layers = linear_layers(model);
  std::vector<std::string> names;
  for (const auto& adapted : methods::adapt(adapter, layers)) {
    const std::string& name = layers[adapted.layer].name;
    if (name.find(".1.") != std::string::npos) names.push_back(split(name, '.').back());
  }
  return names;
}

const Targets kDefault = {.kind = Targets::Kind::family_default, .names = {}, .pattern = {}};

/// @see PEFT 0.21.2, TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING
TEST(PeftReading, DefaultIsWhatPeftTakesWhereNothingIsSaid) {
  EXPECT_THAT(endings(adapter_of(kDefault), model_of("llama")), ElementsAre("q_proj", "v_proj"));
  EXPECT_THAT(endings(adapter_of(kDefault), model_of("phi")), ElementsAre("q_proj", "v_proj", "fc1", "fc2"));
  EXPECT_THAT(endings(adapter_of(kDefault), model_of("gpt_neox")), ElementsAre("query_key_value"));
}

TEST(PeftReading, WithoutADefaultItIsRefused) {
  EXPECT_THAT(fixture::error_of(Fault::usage, [] { endings(adapter_of(kDefault), model_of("granite")); }),
              testing::HasSubstr("PEFT has no default for this family"));
}

TEST(PeftReading, Ia3HasNoSuchWord) {
  methods::Adapter ia3(*methods::find("ia3"));
  ia3.targeting.target_modules = kDefault;
  EXPECT_THAT(fixture::error_of(Fault::usage, [&] { endings(ia3, model_of("llama")); }),
              testing::HasSubstr("is for adapter.type: lora"));
}

/// A dense layer among those with experts has the names that experts had.
TEST(PeftReading, NamesOfExpertsAreMisread) {
  const auto mixed = model_of("qwen3_moe", R"(, "head_dim": 16, "num_experts": 4, "num_experts_per_tok": 2,
                                                "moe_intermediate_size": 32, "mlp_only_layers": [0])");

  EXPECT_THAT(misread_targets(adapter_of({}), mixed), ElementsAre("down_proj", "gate_proj", "up_proj"));
  EXPECT_THAT(misread_targets(adapter_of(fixture::named({"down_proj", "q_proj"})), mixed), ElementsAre("down_proj"));
  EXPECT_THAT(misread_targets(adapter_of(fixture::named({"q_proj", "o_proj"})), mixed), IsEmpty());
}

TEST(PeftReading, ElsewhereTheSameNamesAreRead) {
  EXPECT_THAT(misread_targets(adapter_of({}), model_of("llama")), IsEmpty());
  EXPECT_THAT(misread_targets(adapter_of({}), model_of("qwen3_moe", R"(, "num_experts": 4, "num_experts_per_tok": 2)")),
              IsEmpty());  // all of its layers have experts: attention alone is adapted
}

}  // namespace
}  // namespace pst::recipe
