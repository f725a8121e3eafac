// SPDX-License-Identifier: Apache-2.0
#include "families/known_models.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "families/family.hpp"
#include "families/peft_names.hpp"

namespace pst::families {
namespace {

TEST(KnownModels, EveryFamilyHasSome) {
  for (const Family* const family : table())
    EXPECT_FALSE(known_models(family->model_type).empty()) << family->model_type;
  EXPECT_TRUE(known_models("mamba").empty());
}

TEST(KnownModels, TheTableIsInOrder) {
  EXPECT_TRUE(std::is_sorted(table().begin(), table().end(),
                             [](const Family* a, const Family* b) { return a->model_type < b->model_type; }));
}

TEST(KnownModels, ThoseWithExperts) {
  EXPECT_TRUE(has_experts("mixtral"));
  EXPECT_FALSE(has_experts("llama"));
}

/// @see PEFT 0.21.2, TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING
TEST(PeftNames, DefaultsAndExperts) {
  EXPECT_EQ(peft_default_targets("gpt2").front(), "c_attn");
  EXPECT_EQ(peft_default_targets("qwen3").size(), 2u);
  EXPECT_TRUE(peft_default_targets("qwen3_moe").empty());
  EXPECT_EQ(peft_expert_names("olmoe").size(), 3u);
  EXPECT_TRUE(peft_expert_names("qwen2_moe").empty());
}

}  // namespace
}  // namespace pst::families
