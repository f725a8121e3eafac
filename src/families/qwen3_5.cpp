// SPDX-License-Identifier: Apache-2.0
// Qwen 3.5 and 3.6, their text: gated delta rules, dense.
#include "families/family.hpp"
#include "families/qwen_next_config.hpp"

namespace pst::families {
namespace {

/// @see transformers Qwen3_5TextConfig
ModelSpec read(const json::Object& config) {
  return read_qwen_next(config, /*by_key_head=*/false,
                        {.positions = 32768, .key_value_heads = 4, .head_dim = 256, .rotary_part = 0.25});
}

}  // namespace

extern const Family kQwen35;
const Family kQwen35{"qwen3_5_text", "Qwen3_5ForCausalLM", &read};

}  // namespace pst::families
