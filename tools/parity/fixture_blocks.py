# SPDX-License-Identifier: Apache-2.0
"""Rows of record_fixtures.py: dense families with RMS norms whose blocks, positions or projections are not llama's."""
import transformers as hf
from fixture_peft import all_linear, attention, experts
from fixture_sizes import BEYOND, WIDE_HEADS, YARN, config

SLIDING, FULL = "sliding_attention", "full_attention"
PARTIAL_HEADS = {"head_dim": 12}  # of which six values turn where the factor is 0.5


def olmo2(**changes):
    return config(hf.Olmo2Config, **changes)


def olmo3(**changes):
    rope = {SLIDING: {"rope_type": "default", "rope_theta": 50.0}, FULL: YARN | {"attention_factor": 1.2}}
    return config(hf.Olmo3Config, **{"num_hidden_layers": 4, "sliding_window": 6, "layer_types": [SLIDING, FULL] * 2,
                                     "rope_parameters": rope} | changes)


def glm(**changes):
    return config(hf.GlmConfig, **PARTIAL_HEADS | changes)


def glm4(**changes):
    return config(hf.Glm4Config, **PARTIAL_HEADS | changes)


def seed_oss(**changes):
    return config(hf.SeedOssConfig, **WIDE_HEADS | {"attention_dropout": 0.0, "residual_dropout": 0.0} | changes)


def ernie4_5(**changes):
    return config(hf.Ernie4_5Config, **WIDE_HEADS | changes)


def hunyuan(**changes):
    rope = {"rope_type": "dynamic", "rope_theta": 10000.0, "alpha": 50.0, "factor": 1.0, "beta_fast": 32, "beta_slow": 1, "mscale": 1.0,
            "mscale_all_dim": 1.0}
    return config(hf.HunYuanDenseV1Config, **WIDE_HEADS | {"rope_parameters": rope} | changes)


def exaone4(**changes):
    return config(hf.Exaone4Config, **WIDE_HEADS | {"num_hidden_layers": 5, "sliding_window": 6, "sliding_window_pattern": 2} | changes)


def gemma4_text(**changes):
    """Full layers have heads of another width, and of theirs a quarter turns."""
    rope = {SLIDING: {"rope_type": "default", "rope_theta": 100.0},
            FULL: {"rope_type": "proportional", "rope_theta": 1000.0, "partial_rotary_factor": 0.25}}
    return config(hf.Gemma4TextConfig, **WIDE_HEADS | {
        "num_hidden_layers": 4, "global_head_dim": 16, "sliding_window": 6, "layer_types": [SLIDING, FULL] * 2,
        "hidden_size_per_layer_input": 0, "vocab_size_per_layer_input": 61, "final_logit_softcapping": 5.0,
        "rope_parameters": rope} | changes)


MODELS = {  # name: (config, lengths of the documents)
    "olmo2": (olmo2(), (23, 9)),
    "olmo2_biases": (olmo2(attention_bias=True, tie_word_embeddings=True), (9, 23)),
    "olmo3": (olmo3(), BEYOND),
    "glm": (glm(), (23, 9)),
    "glm_no_bias": (glm(attention_bias=False, rope_parameters={"rope_type": "default", "rope_theta": 500.0, "partial_rotary_factor": 1.0}),
                    (23, 9)),
    "glm4": (glm4(), (23, 9)),
    "seed_oss": (seed_oss(), (23, 9)),
    "seed_oss_biases": (seed_oss(attention_out_bias=True, mlp_bias=True), (9, 23)),
    "ernie4_5": (ernie4_5(), (23, 9)),
    "ernie4_5_biases": (ernie4_5(use_bias=True, tie_word_embeddings=False), (9, 23)),
    "hunyuan_v1_dense": (hunyuan(), (23, 9)),
    "hunyuan_v1_dense_biases": (hunyuan(attention_bias=True, tie_word_embeddings=True), (9, 23)),
    "exaone4": (exaone4(), (9, 19)),
    "exaone4_full": (exaone4(sliding_window=None, layer_types=[FULL] * 3, num_hidden_layers=3), (23, 9)),
    "gemma4_text": (gemma4_text(), (9, 19)),
    "gemma4_text_k_eq_v": (gemma4_text(attention_k_eq_v=True, num_global_key_value_heads=1), (9, 19)),
    "gemma4_text_per_layer": (gemma4_text(hidden_size_per_layer_input=6, rms_norm_eps=1e-2), (9, 19)),
    "gemma4_text_kv_shared": (gemma4_text(hidden_size_per_layer_input=6, rms_norm_eps=1e-2, num_hidden_layers=5, intermediate_size=14,
                                          head_dim=6, global_head_dim=8, layer_types=[SLIDING, SLIDING, FULL, SLIDING, FULL],
                                          num_kv_shared_layers=2, use_double_wide_mlp=True), (9, 19)),
    "gemma4_text_moe": (gemma4_text(enable_moe_block=True, num_experts=5, top_k_experts=2, moe_intermediate_size=12), (9, 19)),
}

ADAPTERS = {  # (model, name): config
    (model, "lora"): all_linear()
    for model in ("olmo2", "olmo3", "glm", "glm4", "seed_oss", "ernie4_5", "hunyuan_v1_dense", "exaone4", "gemma4_text",
                  "gemma4_text_k_eq_v", "gemma4_text_per_layer", "gemma4_text_kv_shared")
} | {
    ("gemma4_text_moe", "lora"): attention("gate_proj", "up_proj", "down_proj"),
    ("gemma4_text_moe", "experts"): experts(["experts.gate_up_proj", "experts.down_proj"]),
}
