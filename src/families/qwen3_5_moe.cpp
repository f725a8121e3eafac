// SPDX-License-Identifier: Apache-2.0
// Qwen 3.5 and 3.6 with experts, their text.
#include "families/family.hpp"
#include "families/qwen_next_config.hpp"

namespace pst::families {
namespace {

/// @see transformers Qwen3_5MoeTextConfig
ModelSpec read(const json::Object& config) {
  ModelSpec model =
      read_qwen_next(config, /*by_key_head=*/false,
                     {.positions = 32768, .key_value_heads = 2, .head_dim = 256, .inner = 1, .rotary_part = 0.25});
  add_qwen_experts(config, model, /*normalised=*/true);
  return model;
}

}  // namespace

extern const Family kQwen35Moe;
const Family kQwen35Moe{"qwen3_5_moe_text", "Qwen3_5MoeForCausalLM", &read};

}  // namespace pst::families
