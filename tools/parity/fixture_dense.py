# SPDX-License-Identifier: Apache-2.0
"""Rows of record_fixtures.py: dense families whose layers are llama's with changes."""
import transformers as hf
from fixture_peft import all_linear, lora
from fixture_sizes import BEYOND, WIDE_HEADS, YARN, config


def qwen2(**changes):
    return config(hf.Qwen2Config, **changes)


def qwen3(**changes):
    return config(hf.Qwen3Config, **WIDE_HEADS | changes)


def gemma(**changes):
    return config(hf.GemmaConfig, **WIDE_HEADS | {"tie_word_embeddings": True} | changes)


def gemma2(**changes):
    return config(hf.Gemma2Config, **WIDE_HEADS | {
        "num_hidden_layers": 4, "sliding_window": 6, "query_pre_attn_scalar": 7, "attn_logit_softcapping": 1.5,
        "final_logit_softcapping": 4.0} | changes)


def gemma3_text(**changes):
    """Every second layer is a full one, so that five layers have both kinds twice."""
    return config(hf.Gemma3TextConfig, **WIDE_HEADS | {
        "num_hidden_layers": 5, "sliding_window": 6, "query_pre_attn_scalar": 7, "sliding_window_pattern": 2} | changes)


GEMMA3_ROPE = {"sliding_attention": {"rope_type": "default", "rope_theta": 100.0},
               "full_attention": {"rope_type": "linear", "rope_theta": 5000.0, "factor": 8.0}}


def phi3(**changes):
    return config(hf.Phi3Config, **{"num_attention_heads": 2, "num_key_value_heads": 1, "num_hidden_layers": 3} | changes)


# Of a head's twelve values a factor each for a half of those that turn.
LONGROPE = {"rope_type": "longrope", "rope_theta": 10000.0, "short_factor": [1.0, 1.1, 1.3, 1.6, 2.0, 2.5],
            "long_factor": [1.2, 2.0, 3.0, 5.0, 7.0, 11.0]}
LONGROPE_PARTIAL = {"rope_type": "longrope", "rope_theta": 10000.0, "partial_rotary_factor": 0.5, "short_factor": [1.0, 1.2, 1.5],
                    "long_factor": [1.3, 3.0, 9.0]}


def smollm3(**changes):
    """Every second layer is without rope."""
    return config(hf.SmolLM3Config, **{"num_hidden_layers": 5, "no_rope_layer_interval": 2} | changes)


def granite(**changes):
    return config(hf.GraniteConfig, **{"embedding_multiplier": 3.5, "residual_multiplier": 0.6, "attention_multiplier": 0.27,
                                       "logits_scaling": 0.7} | changes)


def ministral(**changes):
    return config(hf.MinistralConfig, **WIDE_HEADS | {
        "num_hidden_layers": 5, "sliding_window": 6, "layer_types": ["full_attention", "sliding_attention", "sliding_attention"] +
        ["full_attention", "sliding_attention"]} | changes)


def ministral3(**changes):
    rope = YARN | {"mscale": 1.0, "mscale_all_dim": 0.4, "llama_4_scaling_beta": 0.3, "max_position_embeddings": 64}
    return config(hf.Ministral3Config, **WIDE_HEADS | {"max_position_embeddings": 64, "rope_parameters": rope} | changes)


def llama(**changes):
    return config(hf.LlamaConfig, **{"num_hidden_layers": 2} | changes)


def arcee(**changes):
    return config(hf.ArceeConfig, **WIDE_HEADS | changes)


def internlm3(**changes):
    return config(hf.InternLM3Config, **WIDE_HEADS | changes)


def mistral3(text):
    vision = {"model_type": "pixtral", "hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1,
              "head_dim": 8, "patch_size": 4, "image_size": 8}
    return hf.Mistral3Config(text_config=text.to_dict(), vision_config=vision, image_token_index=60, tie_word_embeddings=False)


def gemma3(text):
    vision = {"model_type": "siglip_vision_model", "hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1,
              "num_attention_heads": 1, "patch_size": 4, "image_size": 8, "vision_use_head": False}
    return hf.Gemma3Config(text_config=text.to_dict(), vision_config=vision, mm_tokens_per_image=1, image_token_index=60,
                           boi_token_index=58, eoi_token_index=59)


MODELS = {  # name: (config, lengths of the documents)
    "qwen2": (qwen2(num_attention_heads=3, num_key_value_heads=1), (23, 9)),
    "qwen2_window": (qwen2(num_hidden_layers=4, use_sliding_window=True, sliding_window=6, max_window_layers=2), (9, 19)),
    "qwen3": (qwen3(tie_word_embeddings=True), (23, 9)),
    "qwen3_window": (qwen3(num_hidden_layers=4, use_sliding_window=True, sliding_window=6, max_window_layers=2, attention_bias=True),
                     (9, 19)),
    "gemma": (gemma(), (23, 9)),
    "gemma2": (gemma2(), (9, 19)),
    "gemma3_text": (gemma3_text(), (19, 9)),
    "gemma3_text_rope": (gemma3_text(rope_parameters=GEMMA3_ROPE, final_logit_softcapping=5.0), (19, 9)),
    "phi3": (phi3(), (23, 9)),
    "phi3_window": (phi3(sliding_window=6), (9, 19)),
    "phi3_longrope": (phi3(rope_parameters=LONGROPE, max_position_embeddings=64, original_max_position_embeddings=16), BEYOND),
    "phi3_partial": (phi3(rope_parameters=LONGROPE_PARTIAL, max_position_embeddings=64, original_max_position_embeddings=16,
                          tie_word_embeddings=True), BEYOND),
    "smollm3": (smollm3(), (23, 9)),
    "smollm3_window": (smollm3(use_sliding_window=True, sliding_window=6, attention_bias=True, mlp_bias=True), (9, 19)),
    "granite": (granite(), (23, 9)),
    "granite_biases": (granite(attention_bias=True, mlp_bias=True, tie_word_embeddings=True), (9, 23)),
    "ministral": (ministral(), (9, 19)),
    "ministral3": (ministral3(), BEYOND),
    "mistral3": (mistral3(ministral3()), BEYOND),
    "gemma3": (gemma3(gemma3_text()), (19, 9)),
    "llama_yarn": (llama(rope_parameters=YARN), BEYOND),
    "llama_yarn_attention_factor": (llama(rope_parameters=YARN | {"attention_factor": 1.7, "truncate": False}), BEYOND),
    "llama_linear": (llama(rope_parameters={"rope_type": "linear", "rope_theta": 10000.0, "factor": 3.0}), BEYOND),
    "arcee": (arcee(), (23, 9)),
    "arcee_biases": (arcee(attention_bias=True, mlp_bias=True), (23, 9)),
    "internlm3": (internlm3(attention_bias=True, mlp_bias=True), (23, 9)),
}

TEXT_OF_VISION = r".*language_model.*\.(q|k|v|o|gate|up|down)_proj"
ADAPTERS = {  # (model, name): config
    (model, "lora"): all_linear()
    for model in ("qwen2", "qwen3", "gemma", "gemma2", "gemma3_text", "phi3", "smollm3", "granite", "ministral", "ministral3", "arcee",
                  "internlm3")
} | {
    ("qwen3_window", "lora"): lora(r=3, lora_alpha=5, target_modules=["k_proj", "o_proj"]),
    ("phi3_longrope", "lora"): lora(r=3, lora_alpha=5, target_modules=["qkv_proj", "gate_up_proj"]),
    ("mistral3", "lora"): lora(r=3, lora_alpha=5, target_modules=TEXT_OF_VISION),
    ("gemma3", "lora"): lora(r=3, lora_alpha=5, target_modules=TEXT_OF_VISION),
}
