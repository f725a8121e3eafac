// SPDX-License-Identifier: Apache-2.0
#include "families/glm_config.hpp"

namespace pst::families {

DecoderOptions glm_options(const json::Object& config) {
  DecoderOptions options{
      .absent = {.positions = 131072, .key_value_heads = 2, .head_dim = 128, .eps = 1.5625e-07, .rotary_part = 0.5},
      .attention_bias = config.flag("attention_bias", true),
      .neighbours = true};
  options.names.gate_up = "mlp.gate_up_proj";
  return options;
}

}  // namespace pst::families
