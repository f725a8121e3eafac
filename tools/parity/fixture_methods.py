# SPDX-License-Identifier: Apache-2.0
"""Rows of record_fixtures.py: PEFT's methods, each on llama; some on families whose layers are made in another way."""
from fixture_peft import LINEARS
from peft import (AdaLoraConfig, LNTuningConfig, LoHaConfig, LoKrConfig, LoraConfig, PrefixTuningConfig, PromptEncoderConfig, PromptTuningConfig,
                  TrainableTokensConfig, VeraConfig)

SOME = ["q_proj", "v_proj", "down_proj"]  # wide, narrow, and of another width


def config_of(kind, targets=SOME, **changes):
    return kind(**{"target_modules": targets, "task_type": "CAUSAL_LM"} | changes)


def beside(kind, **changes):
    """Of a method that adapts no linear layer."""
    return kind(**{"task_type": "CAUSAL_LM"} | changes)


ADAPTERS = {  # (model, name): config
    # total_step: of the five that are recorded. All directions but one of a layer go.
    ("llama", "adalora"): config_of(AdaLoraConfig, init_r=4, target_r=1, tinit=1, tfinal=1, total_step=5, lora_alpha=5),
    ("llama", "ln_tuning"): beside(LNTuningConfig),
    ("gemma2", "ln_tuning"): beside(LNTuningConfig),
    ("gpt2", "ln_tuning"): beside(LNTuningConfig),
    ("llama", "trainable_tokens"): beside(TrainableTokensConfig, token_indices=[3, 7, 40, 41, 42, 43, 44, 45]),
    ("llama_tied", "trainable_tokens"): beside(TrainableTokensConfig, token_indices=[3, 7, 40, 41, 42, 43, 44, 45]),
    ("llama", "prompt_tuning"): beside(PromptTuningConfig, num_virtual_tokens=3),
    ("gemma2", "prompt_tuning"): beside(PromptTuningConfig, num_virtual_tokens=3),
    ("gemma3_text", "prompt_tuning"): beside(PromptTuningConfig, num_virtual_tokens=3),
    ("phi3", "prompt_tuning"): beside(PromptTuningConfig, num_virtual_tokens=3),
    ("llama", "p_tuning"): beside(PromptEncoderConfig, num_virtual_tokens=3, encoder_hidden_size=10),
    ("llama", "p_tuning_lstm"): beside(PromptEncoderConfig, num_virtual_tokens=3, encoder_hidden_size=10,
                                       encoder_reparameterization_type="LSTM"),
    ("llama", "prefix_tuning_projection"): beside(PrefixTuningConfig, num_virtual_tokens=3, prefix_projection=True, encoder_hidden_size=10),
    ("llama", "prefix_tuning"): beside(PrefixTuningConfig, num_virtual_tokens=3),
    ("gemma2", "prefix_tuning"): beside(PrefixTuningConfig, num_virtual_tokens=3),
    ("phi3", "prefix_tuning"): beside(PrefixTuningConfig, num_virtual_tokens=3),
    ("llama", "lora_dora"): config_of(LoraConfig, LINEARS, r=3, lora_alpha=5, use_dora=True),
    ("llama_biases", "lora_dora"): config_of(LoraConfig, r=3, lora_alpha=5, use_dora=True),
    ("gemma2", "lora_dora"): config_of(LoraConfig, r=3, lora_alpha=5, use_dora=True),
    ("phi3", "lora_dora"): config_of(LoraConfig, ["qkv_proj", "down_proj"], r=3, lora_alpha=5, use_dora=True),
    ("llama", "lora_bias"): config_of(LoraConfig, r=3, lora_bias=True),
    ("llama", "lora_embedding"): config_of(LoraConfig, ["embed_tokens", "q_proj"], r=2),
    ("gemma3_text", "lora_embedding"): config_of(LoraConfig, ["embed_tokens"], r=2),
    ("llama", "lora_tokens"): config_of(LoraConfig, ["q_proj"], r=2, trainable_token_indices={"embed_tokens": [3, 40, 41], "lm_head": [5]}),
    ("llama_tied", "lora_tokens"): config_of(LoraConfig, ["q_proj"], r=2, trainable_token_indices=[3, 40, 41, 42]),
    ("llama", "lora_saved_modules"): config_of(LoraConfig, ["q_proj"], r=2, modules_to_save=["lm_head", "norm"]),
    ("llama_tied", "lora_saved_embedding"): config_of(LoraConfig, ["q_proj"], r=2, modules_to_save=["embed_tokens"]),
    ("llama", "loha"): config_of(LoHaConfig, LINEARS, r=3, alpha=5),
    ("llama", "lokr"): config_of(LoKrConfig, LINEARS, r=3, alpha=5),
    ("llama", "lokr_factors"): config_of(LoKrConfig, r=1, alpha=2, decompose_both=True, decompose_factor=8),
    ("llama", "vera"): config_of(VeraConfig, LINEARS, r=5, projection_prng_key=3),
    ("llama", "vera_by_key"): config_of(VeraConfig, r=5, projection_prng_key=11, save_projection=False),
}
