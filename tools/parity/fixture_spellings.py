# SPDX-License-Identifier: Apache-2.0
"""Rows of record_fixtures.py: a folder as it is published beside the same weights as transformers 5 writes it: the config.json of
transformers 4, tensors under other names."""
import torch



def older(without=(), rope_type="rope_type", **changes):
    """Keys of transformers 4: rope_theta and rope_scaling for rope_parameters, torch_dtype, nothing of what was not written then."""
    def rewrite(config):
        config = dict(config)
        rope = dict(config.pop("rope_parameters", None) or {})
        if "rope_theta" in rope:
            config["rope_theta"] = rope.pop("rope_theta")
        kind = rope.pop("rope_type", "default")
        if "partial_rotary_factor" in rope:
            config["partial_rotary_factor"] = rope.pop("partial_rotary_factor")
        rope.pop("original_max_position_embeddings" if "original_max_position_embeddings" in config else None, None)
        config["rope_scaling"] = None if kind == "default" else rope | {rope_type: kind}
        config["torch_dtype"] = config.pop("dtype")
        config["transformers_version"] = "4.50.0"
        for key in ("layer_types", "tie_word_embeddings", *without):
            config.pop(key, None)
        return config | changes
    return rewrite


def same_config(config):
    return config


def gemma3_text(config):
    local, full = (config["rope_parameters"][kind] for kind in ("sliding_attention", "full_attention"))
    return older(without=("_sliding_window_pattern",), rope_theta=full["rope_theta"], rope_local_base_freq=local["rope_theta"],
                 rope_scaling={"rope_type": full["rope_type"], "factor": full["factor"]})(config)


def phi3_longrope(config):
    factors = {key: config["rope_parameters"][key] for key in ("short_factor", "long_factor")}
    return older(without=("partial_rotary_factor",), rope_scaling=factors | {"type": "longrope"})(config)


def gemma4_text(config):
    """What differs in full layers is said once."""
    full = config.pop("per_layer_config")["1"]
    return config | {"global_head_dim": full["head_dim"], "num_global_key_value_heads": full["num_key_value_heads"]}


def same_tensors(tensors):
    return tensors


def language_model(tensors):
    """From transformers 4's names of a vision folder to those of 5: the head outside, all else inside `model`."""
    def rename(name):
        if name.startswith("language_model.lm_head"):
            return name.removeprefix("language_model.")
        return "model." + name.replace("language_model.model.", "language_model.", 1)
    return {rename(name): value for name, value in tensors.items()}


def gpt2(tensors):
    """OpenAI's names, and the causal mask that old files hold."""
    masks = {f"h.{layer}.attn.bias": torch.ones(1, 1, 40, 40).tril() for layer in range(3)}
    return {name.removeprefix("transformer."): value for name, value in tensors.items()} | masks


def fused_experts(tensors):
    """All experts of a layer in one tensor, gate above up."""
    layers = sorted({name.split(".mlp.experts.")[0] for name in tensors if ".mlp.experts." in name})
    fused = {name: value for name, value in tensors.items() if ".mlp.experts." not in name}
    for layer in layers:
        gate, up, down = ([tensors[f"{layer}.mlp.experts.{expert}.{name}_proj.weight"] for expert in range(5)]
                          for name in ("gate", "up", "down"))
        fused[f"{layer}.mlp.experts.gate_up_proj"] = torch.cat([torch.stack(gate), torch.stack(up)], 1)
        fused[f"{layer}.mlp.experts.down_proj"] = torch.stack(down)
    return fused


SPELLINGS = {  # name: (the model whose weights and expectations it has, what makes its config.json, what makes its tensors)
    # Windows that are switched off.
    "qwen2_older": ("qwen2", older(sliding_window=5, max_window_layers=1), same_tensors),
    "qwen2_window_older": ("qwen2_window", older(), same_tensors),
    "qwen3_older": ("qwen3", older(tie_word_embeddings=True), same_tensors),
    "gemma_older": ("gemma", older(hidden_activation=None, hidden_act="gelu"), same_tensors),
    "gemma2_older": ("gemma2", older(hidden_act="gelu_pytorch_tanh", cache_implementation="hybrid"), same_tensors),
    "gemma3_text_older": ("gemma3_text_rope", gemma3_text, same_tensors),
    "gemma3_language_model": ("gemma3", same_config, language_model),
    "mistral3_language_model": ("mistral3", same_config, language_model),
    # The original maximum stands at the root alone.
    "phi3_longrope_older": ("phi3_longrope", phi3_longrope, same_tensors),
    "phi3_partial_older": ("phi3_partial", older(rope_type="type", tie_word_embeddings=True), same_tensors),
    "smollm3_older": ("smollm3", older(without=("no_rope_layers",)), same_tensors),
    "granite_older": ("granite", older(), same_tensors),
    "internlm3_older": ("internlm3", older(without=("attention_bias", "mlp_bias"), qkv_bias=True, bias=True), same_tensors),
    "llama_yarn_older": ("llama_yarn", older(rope_type="type"), same_tensors),
    "llama_dynamic_older": ("llama_dynamic", older(rope_type="type"), same_tensors),
    "qwen3_moe_older": ("qwen3_moe_sparse", older(without=("num_local_experts",), num_experts=5), same_tensors),
    "gpt_oss_older": ("gpt_oss", older(experts_per_token=2, initial_context_length=16), same_tensors),
    "gpt2_older": ("gpt2", older(), gpt2),
    "gpt_neox_older": ("gpt_neox", older(without=("rope_theta", "partial_rotary_factor"), rotary_emb_base=10000, rotary_pct=0.25),
                       same_tensors),
    "stablelm_older": ("stablelm", older(), same_tensors),
    "glm4_older": ("glm4", older(), same_tensors),
    "cohere2_older": ("cohere2", older(sliding_window_pattern=2), same_tensors),
    "exaone4_older": ("exaone4", older(), same_tensors),
    "hunyuan_v1_dense_older": ("hunyuan_v1_dense", older(rope_type="type"), same_tensors),
    "granitemoehybrid_older": ("granitemoehybrid_dense", older(layer_types=["attention"] * 3, tie_word_embeddings=True), same_tensors),
    "gemma4_text_global": ("gemma4_text_k_eq_v", gemma4_text, same_tensors),
    "qwen3_next_older": ("qwen3_next", older(full_attention_interval=2), same_tensors),
    "qwen3_5_moe_text_fused": ("qwen3_5_moe_text", same_config, fused_experts),
}
