# SPDX-License-Identifier: Apache-2.0
"""Rows of record_fixtures.py: dense families with LayerNorms, most of them older than llama."""
import transformers as hf
from fixture_peft import all_linear
from fixture_sizes import TINY, config

SLIDING, FULL = "sliding_attention", "full_attention"
NAMES = {key: TINY[key] for key in ("vocab_size", "bos_token_id", "eos_token_id", "pad_token_id")}


def cohere(**changes):
    return config(hf.CohereConfig, **{"logit_scale": 0.7} | changes)


def cohere2(**changes):
    return config(hf.Cohere2Config, **{"logit_scale": 0.7, "num_hidden_layers": 4, "sliding_window": 6,
                                       "layer_types": [SLIDING, FULL] * 2} | changes)


def starcoder2(**changes):
    return config(hf.Starcoder2Config, **changes)


def nemotron(**changes):
    return config(hf.NemotronConfig, **{"head_dim": 12} | changes)


def stablelm(**changes):
    """Of a head's 16 values four turn."""
    return config(hf.StableLmConfig, **{"hidden_size": 32, "num_attention_heads": 2, "num_key_value_heads": 1} | changes)


def phi(**changes):
    return config(hf.PhiConfig, **{"num_attention_heads": 2, "num_key_value_heads": 1} | changes)


def gpt2(**changes):
    return hf.GPT2Config(**NAMES | {"n_embd": 24, "n_layer": 3, "n_head": 3, "n_positions": 40, "resid_pdrop": 0.0, "embd_pdrop": 0.0,
                                    "attn_pdrop": 0.0} | changes)


def gpt_neox(**changes):
    return hf.GPTNeoXConfig(**NAMES | {"hidden_size": 32, "intermediate_size": 36, "num_hidden_layers": 3, "num_attention_heads": 2,
                                       "max_position_embeddings": 64} | changes)


def opt(**changes):
    return hf.OPTConfig(**NAMES | {"hidden_size": 24, "ffn_dim": 36, "num_hidden_layers": 3, "num_attention_heads": 3,
                                   "max_position_embeddings": 40, "dropout": 0.0} | changes)


def bloom(**changes):
    """Six heads: alibi's slopes are simple only for powers of two."""
    return hf.BloomConfig(**NAMES | {"hidden_size": 24, "n_layer": 3, "n_head": 6} | changes)


MODELS = {  # name: (config, lengths of the documents)
    "cohere": (cohere(), (23, 9)),
    "cohere_qk_norm": (cohere(use_qk_norm=True, attention_bias=True), (9, 23)),
    "cohere2": (cohere2(), (9, 19)),
    "starcoder2": (starcoder2(), (23, 9)),
    "starcoder2_window": (starcoder2(sliding_window=6, use_bias=False, tie_word_embeddings=False), (9, 19)),
    "nemotron": (nemotron(), (23, 9)),
    "nemotron_biases": (nemotron(attention_bias=True, mlp_bias=True), (9, 23)),
    "stablelm": (stablelm(), (23, 9)),
    "stablelm_parallel": (stablelm(use_parallel_residual=True, use_qkv_bias=True, num_hidden_layers=2), (9, 23)),
    "stablelm_qk_norm": (stablelm(qk_layernorm=True, num_hidden_layers=2), (9, 23)),
    "phi": (phi(), (23, 9)),
    "phi_qk_norm": (phi(qk_layernorm=True, num_hidden_layers=2), (9, 23)),
    "gpt2": (gpt2(), (23, 9)),
    "gpt2_scaled": (gpt2(n_inner=20, scale_attn_by_inverse_layer_idx=True), (9, 23)),
    "gpt_neox": (gpt_neox(), (23, 9)),
    "gpt_neox_serial": (gpt_neox(use_parallel_residual=False, attention_bias=False, tie_word_embeddings=True), (9, 23)),
    "opt": (opt(), (23, 9)),
    "opt_post_norm": (opt(do_layer_norm_before=False, word_embed_proj_dim=14), (9, 23)),
    "bloom": (bloom(), (23, 9)),
}

ADAPTERS = {  # (model, name): config
    (model, "lora"): all_linear()
    for model in ("cohere", "cohere2", "starcoder2", "nemotron", "stablelm", "stablelm_parallel", "phi", "gpt2", "gpt_neox", "opt",
                  "opt_post_norm", "bloom")
}
