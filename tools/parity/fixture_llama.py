# SPDX-License-Identifier: Apache-2.0
"""Rows of record_fixtures.py: llama and mistral, and the methods on them."""
from fixture_peft import ia3, lora
from transformers import LlamaConfig, MistralConfig

SIZES = {"vocab_size": 91, "hidden_size": 32, "intermediate_size": 44, "num_hidden_layers": 2, "num_attention_heads": 4,
         "num_key_value_heads": 2, "max_position_embeddings": 512, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": None,
         "tie_word_embeddings": False}
LLAMA3_ROPE = {"rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
               "original_max_position_embeddings": 64}  # a head's four frequencies lie in all three of its ranges


def llama(**changes):
    return LlamaConfig(**SIZES | {"rms_norm_eps": 1e-5} | changes)


def mistral(**changes):
    return MistralConfig(**SIZES | {"rms_norm_eps": 1e-6} | changes)


MODELS = {  # name: (config, lengths of the documents)
    "llama": (llama(), (23, 9)),
    "llama_tied": (llama(tie_word_embeddings=True), (23, 9)),
    "llama_rope": (llama(rope_parameters=LLAMA3_ROPE), (60, 9)),
    "llama_biases": (llama(attention_bias=True, mlp_bias=True, num_hidden_layers=3), (9, 23)),
    "llama_head_dim": (llama(head_dim=10, rope_parameters={"rope_type": "default", "rope_theta": 500.0}), (23, 9)),
    "mistral": (mistral(sliding_window=None), (9, 40)),
    "mistral_window": (mistral(sliding_window=8), (40, 9)),
    # Longer than a block of keys (256) in kernels/attention.
    "mistral_long_window": (mistral(sliding_window=260, vocab_size=40, num_hidden_layers=1), (30, 300)),
}

ADAPTERS = {  # (model, name): config
    ("llama", "lora"): lora(),
    ("llama", "lora_patterns"): lora(rank_pattern={"q_proj": 2, "layers.1.mlp.down_proj": 7},
                                     alpha_pattern={"v_proj": 3, "layers.0.mlp.up_proj": 12.5}),
    ("llama", "lora_rslora"): lora(use_rslora=True, rank_pattern={"k_proj": 2}),
    ("llama", "lora_some_layers"): lora(target_modules=["q_proj", "v_proj"], layers_to_transform=[1]),
    ("llama", "ia3"): ia3(),
    ("llama_tied", "lora"): lora(),
    ("llama_biases", "lora"): lora(),
    ("llama_biases", "ia3"): ia3(),
    ("mistral_window", "lora"): lora(),
    ("mistral_window", "ia3"): ia3(),
}
