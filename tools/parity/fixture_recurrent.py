# SPDX-License-Identifier: Apache-2.0
"""Rows of record_fixtures.py: families of which some layers are Gated DeltaNets.

The longer document is longer than a chunk of transformers' own loop (64). What a head's state gives to the first tokens can be near
zero, and the norm after it makes rounding errors of that as large as the numbers: hence a large epsilon."""
import transformers as hf
from fixture_peft import all_linear, attention, experts, lora
from fixture_sizes import config

# Of a head's 16 values four turn.
MIXERS = {"head_dim": 16, "num_hidden_layers": 4, "layer_types": ["linear_attention", "full_attention"] * 2, "linear_num_key_heads": 2,
          "linear_num_value_heads": 4, "linear_key_head_dim": 6, "linear_value_head_dim": 8, "rms_norm_eps": 1e-2}
EXPERTS = {"num_experts": 5, "num_experts_per_tok": 2, "moe_intermediate_size": 8, "shared_expert_intermediate_size": 9}


def qwen3_next(**changes):
    return config(hf.Qwen3NextConfig, **MIXERS | EXPERTS | changes)


def qwen3_5_text(**changes):
    return config(hf.Qwen3_5TextConfig, **MIXERS | changes)


def qwen3_5_moe_text(**changes):
    return config(hf.Qwen3_5MoeTextConfig, **MIXERS | EXPERTS | changes)


def qwen3_5(text):
    vision = {"depth": 1, "hidden_size": 8, "intermediate_size": 8, "num_heads": 1, "patch_size": 2, "spatial_merge_size": 1,
              "temporal_patch_size": 1, "out_hidden_size": text.hidden_size, "num_position_embeddings": 4}
    return hf.Qwen3_5Config(text_config=text.to_dict(), vision_config=vision, image_token_id=60, video_token_id=59,
                            vision_start_token_id=58, vision_end_token_id=57)


MODELS = {  # name: (config, lengths of the documents)
    "qwen3_next": (qwen3_next(), (70, 9, 3)),
    "qwen3_next_dense": (qwen3_next(mlp_only_layers=[0, 1], norm_topk_prob=False), (9, 23)),
    "qwen3_5_text": (qwen3_5_text(), (70, 9, 3)),
    "qwen3_5_moe_text": (qwen3_5_moe_text(), (9, 23)),
    "qwen3_5": (qwen3_5(qwen3_5_text(num_hidden_layers=3, layer_types=["linear_attention"] * 2 + ["full_attention"])), (9, 23)),
}

ADAPTERS = {  # (model, name): config
    ("qwen3_next", "lora"): attention("in_proj_qkvz", "in_proj_ba", "out_proj"),
    ("qwen3_5_text", "lora"): all_linear(),
    ("qwen3_5_moe_text", "lora"): all_linear(),
    ("qwen3_next", "experts"): experts(),
    ("qwen3_5_moe_text", "experts"): experts(),
    ("qwen3_5", "lora"): lora(r=3, lora_alpha=5, target_modules=r".*language_model.*\.(q|k|v|o|gate|up|down)_proj"),
}
