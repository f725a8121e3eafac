// SPDX-License-Identifier: Apache-2.0
// Hunyuan, dense: heads are normed after they turn.
#include "families/decoder_config.hpp"
#include "families/family.hpp"

namespace pst::families {
namespace {

/// @see transformers HunYuanDenseV1Config
ModelSpec read(const json::Object& config) {
  const bool bias = config.flag("attention_bias");
  ModelSpec model = read_decoder(config, {.absent = {.eps = 1e-5}, .attention_bias = bias, .output_bias = bias});
  for (const char* const key : {"eod_token_id", "im_start_id", "im_end_id", "im_newline_id", "text_start_id",
                                "text_end_id", "sep_token_id", "use_qk_norm", "use_cla", "org_vocab_size"})
    config.find(key);
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    AttentionSpec& attention = model.layers[i].attention;
    const double eps = model.final_norm->eps;
    attention.q_norm =
        NormSpec{.name = layer_prefix(i) + "self_attn.query_layernorm", .width = attention.head_dim, .eps = eps};
    attention.k_norm =
        NormSpec{.name = layer_prefix(i) + "self_attn.key_layernorm", .width = attention.head_dim, .eps = eps};
    attention.norms_turned = true;
  }
  return model;
}

}  // namespace

extern const Family kHunyuanDense;
const Family kHunyuanDense{"hunyuan_v1_dense", "HunYuanDenseV1ForCausalLM", &read};

}  // namespace pst::families
