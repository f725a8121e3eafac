// SPDX-License-Identifier: Apache-2.0
// Qwen3-Next: gated delta rules, and experts.
#include "families/family.hpp"
#include "families/qwen_next_config.hpp"

namespace pst::families {
namespace {

/// @see transformers Qwen3NextConfig
ModelSpec read(const json::Object& config) {
  ModelSpec model =
      read_qwen_next(config, /*by_key_head=*/true,
                     {.positions = 32768, .key_value_heads = 2, .head_dim = 256, .inner = 5632, .rotary_part = 0.25});
  add_qwen_experts(config, model, config.flag("norm_topk_prob", true));
  return model;
}

}  // namespace

extern const Family kQwen3Next;
const Family kQwen3Next{"qwen3_next", "Qwen3NextForCausalLM", &read};

}  // namespace pst::families
