# SPDX-License-Identifier: Apache-2.0
"""Rows of record_fixtures.py: families with mixtures of experts."""
import transformers as hf
from fixture_mxfp4 import repack
from fixture_peft import all_linear, attention, experts
from fixture_sizes import WIDE_HEADS, YARN, config


def qwen3_moe(**changes):
    return config(hf.Qwen3MoeConfig, **WIDE_HEADS | {"num_experts": 5, "num_experts_per_tok": 2, "moe_intermediate_size": 12} | changes)


def gpt_oss(**changes):
    return config(hf.GptOssConfig, **WIDE_HEADS | {
        "intermediate_size": 12, "num_hidden_layers": 4, "num_local_experts": 5, "num_experts_per_tok": 2, "sliding_window": 6,
        "swiglu_limit": 0.8,
        "rope_parameters": YARN | {"truncate": False}} | changes)


def mixtral(**changes):
    return config(hf.MixtralConfig, **WIDE_HEADS | {"intermediate_size": 12, "num_local_experts": 5, "num_experts_per_tok": 2} | changes)


def qwen2_moe(**changes):
    return config(hf.Qwen2MoeConfig, **{"num_experts": 5, "num_experts_per_tok": 2, "moe_intermediate_size": 12,
                                        "shared_expert_intermediate_size": 14} | changes)


def olmoe(**changes):
    return config(hf.OlmoeConfig, **{"intermediate_size": 12, "num_experts": 5, "num_experts_per_tok": 2} | changes)


def granitemoe(kind=hf.GraniteMoeConfig, **changes):
    return config(kind, **{"intermediate_size": 12, "num_local_experts": 5, "num_experts_per_tok": 2, "embedding_multiplier": 3.5,
                           "residual_multiplier": 0.6, "attention_multiplier": 0.27, "logits_scaling": 0.7} | changes)


def granitemoehybrid(**changes):
    """All layers are attention."""
    return granitemoe(hf.GraniteMoeHybridConfig, **{"layer_types": ["full_attention"] * 3, "shared_intermediate_size": 14,
                                                    "mamba_n_heads": 4} | changes)


def glm4_moe(**changes):
    """Experts in two groups, of which the better one is asked."""
    return config(hf.Glm4MoeConfig, **{
        "head_dim": 12, "n_routed_experts": 6, "n_shared_experts": 1, "num_experts_per_tok": 2, "moe_intermediate_size": 8, "n_group": 2,
        "topk_group": 1, "first_k_dense_replace": 1, "routed_scaling_factor": 1.7} | changes)


MODELS = {  # name: (config, lengths of the documents[, what is done to the saved folder])
    "qwen3_moe": (qwen3_moe(norm_topk_prob=True), (23, 9)),
    "qwen3_moe_sparse": (qwen3_moe(num_hidden_layers=5, decoder_sparse_step=2, mlp_only_layers=[1], use_sliding_window=True,
                                   sliding_window=6), (9, 19)),
    "gpt_oss": (gpt_oss(), (37, 9)),
    # Rows of one block and of two.
    "gpt_oss_mxfp4": (gpt_oss(hidden_size=32, intermediate_size=64, num_local_experts=3), (19, 9), repack),
    "mixtral": (mixtral(), (23, 9)),
    "mixtral_window": (mixtral(sliding_window=6), (9, 19)),
    "qwen2_moe": (qwen2_moe(), (23, 9)),
    "qwen2_moe_sparse": (qwen2_moe(num_hidden_layers=4, decoder_sparse_step=2, norm_topk_prob=True, qkv_bias=False), (9, 23)),
    "olmoe": (olmoe(norm_topk_prob=True), (23, 9)),
    "olmoe_plain": (olmoe(num_hidden_layers=2, norm_topk_prob=False), (9, 23)),
    "granitemoe": (granitemoe(), (23, 9)),
    "granitemoehybrid": (granitemoehybrid(), (23, 9)),
    "granitemoehybrid_dense": (granitemoehybrid(num_local_experts=0, position_embedding_type="rope", tie_word_embeddings=True), (9, 23)),
    "glm4_moe": (glm4_moe(attention_bias=True, use_qk_norm=True), (23, 9)),
    "glm4_moe_plain": (glm4_moe(n_group=1, norm_topk_prob=False, n_shared_experts=2), (9, 23)),
}

ADAPTERS = {  # (model, name): config
    ("qwen3_moe", "lora"): attention(),
    ("qwen3_moe_sparse", "lora"): attention(),
    ("gpt_oss", "lora"): all_linear(),
    ("gpt_oss_mxfp4", "lora"): attention(),
    ("mixtral", "lora"): attention(),
    ("qwen2_moe", "lora"): all_linear(),
    ("olmoe", "lora"): attention(),
    ("granitemoe", "lora"): all_linear(),
    ("granitemoehybrid", "lora"): all_linear(),
    ("granitemoehybrid_dense", "lora"): all_linear(),
    ("glm4_moe", "lora"): attention(),
    ("qwen3_moe", "experts"): experts(),
    # One of the two: it has no base_layer in its name.
    ("qwen3_moe", "experts_down"): experts(["layers.1.mlp.experts.down_proj"], use_rslora=True, rank_pattern={"down_proj": 3},
                                           alpha_pattern={"down_proj": 7}),
    ("gpt_oss", "experts"): experts(),
    ("mixtral", "experts"): experts(target_modules=[]),
    ("qwen2_moe", "experts"): experts(),
    ("olmoe", "experts"): experts(["experts.gate_up_proj"]),
    ("granitemoe", "experts"): experts(["block_sparse_moe.experts.gate_up_proj", "block_sparse_moe.experts.down_proj"]),
    ("granitemoehybrid", "experts"): experts(["experts.gate_up_proj", "experts.down_proj"]),
    ("glm4_moe", "experts"): experts(),
}
