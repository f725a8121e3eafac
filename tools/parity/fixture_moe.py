# SPDX-License-Identifier: Apache-2.0
"""Rows of record_fixtures.py: families with mixtures of experts."""
import transformers as hf
from fixture_mxfp4 import repack
from fixture_peft import all_linear, experts, lora
from fixture_sizes import WIDE_HEADS, YARN, config


def qwen3_moe(**changes):
    return config(hf.Qwen3MoeConfig, **WIDE_HEADS | {"num_experts": 5, "num_experts_per_tok": 2, "moe_intermediate_size": 12} | changes)


def gpt_oss(**changes):
    return config(hf.GptOssConfig, **WIDE_HEADS | {
        "intermediate_size": 12, "num_hidden_layers": 4, "num_local_experts": 5, "num_experts_per_tok": 2, "sliding_window": 6,
        "swiglu_limit": 0.8,
        "rope_parameters": YARN | {"truncate": False}} | changes)


MODELS = {  # name: (config, lengths of the documents[, what is done to the saved folder])
    "qwen3_moe": (qwen3_moe(norm_topk_prob=True), (23, 9)),
    "qwen3_moe_sparse": (qwen3_moe(num_hidden_layers=5, decoder_sparse_step=2, mlp_only_layers=[1], use_sliding_window=True,
                                   sliding_window=6), (9, 19)),
    "gpt_oss": (gpt_oss(), (37, 9)),
    # Rows of one block and of two.
    "gpt_oss_mxfp4": (gpt_oss(hidden_size=32, intermediate_size=64, num_local_experts=3), (19, 9), repack),
}

ADAPTERS = {  # (model, name): config
    ("qwen3_moe", "lora"): all_linear(),
    ("qwen3_moe", "lora_experts"): experts(),
    ("qwen3_moe_sparse", "lora"): all_linear(),
    ("gpt_oss", "lora"): all_linear(),
    ("gpt_oss", "lora_experts"): experts(),
    ("gpt_oss_mxfp4", "lora"): lora(r=3, lora_alpha=5, target_modules=["q_proj", "k_proj", "v_proj", "o_proj"]),
}
