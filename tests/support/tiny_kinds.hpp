// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "support/tiny_model.hpp"

namespace pst::fixture {

/// A way to build a decoder, and a tiny model of a family that is built so.
struct Kind {
  std::string name;
  TinyModel model;
};

/// One family of each kind: sizes are no multiples of one another; windows are shorter than the documents.
inline std::vector<Kind> kinds() {
  const auto model = [](std::string type, std::string config) {
    return TinyModel{.model_type = std::move(type),
                     .hidden = 36,
                     .layers = 3,
                     .heads = 6,
                     .kv_heads = 2,
                     .intermediate = 50,
                     .head_dim = 10,
                     .tied = false,
                     .config = std::move(config)};
  };
  return {
      {"normed_heads", model("qwen3", "{}")},
      {"sandwich_with_caps", model("gemma2", R"({"hidden_activation": "gelu_pytorch_tanh", "sliding_window": 6,
          "query_pre_attn_scalar": 11, "attn_logit_softcapping": 3, "final_logit_softcapping": 4})")},
      {"sandwich_with_two_tables", model("gemma3_text", R"({"sliding_window": 6, "sliding_window_pattern": 2,
          "query_pre_attn_scalar": 11, "rope_local_base_freq": 100})")},
      {"experts", model("qwen3_moe", R"({"num_experts": 5, "num_experts_per_tok": 2, "moe_intermediate_size": 22,
          "norm_topk_prob": true})")},
      {"experts_beside_an_mlp", model("qwen2_moe", R"({"num_experts": 5, "num_experts_per_tok": 2,
          "moe_intermediate_size": 22, "shared_expert_intermediate_size": 30, "head_dim": null})")},
      {"experts_in_one_tensor", model("granitemoe", R"({"num_local_experts": 5, "num_experts_per_tok": 2,
          "residual_multiplier": 0.3, "attention_multiplier": 0.2, "logits_scaling": 2, "head_dim": null})")},
      {"sinks", model("gpt_oss", R"({"num_local_experts": 5, "num_experts_per_tok": 2, "sliding_window": 6,
          "attention_bias": true})")},
      {"fused", model("phi3", "{}")},
      {"multipliers", model("granite", R"({"embedding_multiplier": 3, "residual_multiplier": 0.3,
          "attention_multiplier": 0.2, "logits_scaling": 2})")},
      {"side_by_side", model("stablelm", R"({"use_parallel_residual": true, "qk_layernorm": true,
          "partial_rotary_factor": 0.4, "rms_norm_eps": null, "head_dim": null})")},
      {"side_by_side_fused_by_head", model("gpt_neox", R"({"rotary_pct": 0.4, "hidden_act": "gelu",
          "num_key_value_heads": null, "rms_norm_eps": null, "head_dim": null})")},
      {"recurrent", model("qwen3_5_text", R"({"full_attention_interval": 2, "partial_rotary_factor": 0.4,
          "linear_num_key_heads": 2, "linear_num_value_heads": 6, "linear_key_head_dim": 6,
          "linear_value_head_dim": 7})")},
      {"keys_as_values", model("gemma4_text", R"({"hidden_activation": "gelu_pytorch_tanh", "sliding_window": 6,
          "rope_theta": null, "hidden_size_per_layer_input": 0, "global_head_dim": 12, "num_global_key_value_heads": 1,
          "attention_k_eq_v": true})")},
      {"norms_behind", model("olmo2", R"({"head_dim": null})")},
      {"no_gate", model("starcoder2", R"({"sliding_window": 6, "hidden_act": "gelu_pytorch_tanh",
          "rms_norm_eps": null})")},
      {"slopes", model("bloom", R"({"n_layer": 3, "n_head": 6, "num_hidden_layers": null, "num_attention_heads": null,
          "num_key_value_heads": null, "intermediate_size": null, "rms_norm_eps": null, "rope_theta": null,
          "hidden_act": "gelu_new", "tie_word_embeddings": true})")},
      {"learned_positions", model("opt", R"({"ffn_dim": 50, "intermediate_size": null, "num_key_value_heads": null,
          "word_embed_proj_dim": 20, "dropout": 0.0, "hidden_act": null, "rms_norm_eps": null, "rope_theta": null,
          "do_layer_norm_before": false})")},
  };
}

}  // namespace pst::fixture
