# SPDX-License-Identifier: Apache-2.0
"""A tiny random llama whose sizes are all awkward: what a model of round numbers would hide shows here."""

import shutil
from pathlib import Path

import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM


def make_tiny_llama(tokenizer_dir: Path, out: Path, seed: int) -> None:
    """6 query heads on 2 key/value heads; head_dim 20 where hidden/heads would be 12; biases in the attention; llama3
    RoPE scaling whose three ranges all lie within a row; a head of its own. Weights are large enough that attention is far
    from uniform and logits far from flat: a wrong rotation then moves the loss by far more than the tolerance. Uses the
    tokenizer of `tokenizer_dir`."""
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_dir)
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=72, intermediate_size=150, num_hidden_layers=3,
        num_attention_heads=6, num_key_value_heads=2, head_dim=20, max_position_embeddings=2048,
        rms_norm_eps=1e-5, attention_bias=True, mlp_bias=False, tie_word_embeddings=False,
        rope_parameters={"rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0,
                         "high_freq_factor": 4.0, "original_max_position_embeddings": 64},
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id, initializer_range=0.2)
    model = LlamaForCausalLM(config).float()
    with torch.no_grad():  # LlamaForCausalLM starts biases at 0 and norms at 1: as if they were not there
        for name, weight in model.named_parameters():
            if name.endswith("bias"):
                weight.normal_(std=0.1)
            elif "norm" in name:
                weight.normal_(mean=1.0, std=0.1)
    model.save_pretrained(out)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        if (tokenizer_dir / name).exists():
            shutil.copyfile(tokenizer_dir / name, out / name)
