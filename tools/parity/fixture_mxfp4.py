# SPDX-License-Identifier: Apache-2.0
"""A saved folder of gpt_oss's as OpenAI publishes it: the experts' matrices in MXFP4, all else in bf16.

MXFP4 keeps 32 numbers of a row in 16 bytes (a code of four bits each, the lower one first) and a byte for all of them, an exponent of
two plus 127 (Open Compute Project, Microscaling Formats 1.0)."""
import json

import torch
from safetensors.torch import load_file, save_file

BLOCK = 32


def random_blocks(shape, random):
    """Codes of every value, of exponents that keep the numbers near those that draw_weights draws."""
    *rows, length = shape
    blocks = torch.randint(256, (*rows, length // BLOCK, BLOCK // 2), generator=random).to(torch.uint8)
    scales = torch.randint(121, 125, (*rows, length // BLOCK), generator=random).to(torch.uint8)
    return blocks, scales


def repack(folder, random):
    tensors = {}
    for name, value in load_file(folder / "model.safetensors").items():
        if name.endswith(("experts.gate_up_proj", "experts.down_proj")):  # [experts, in, out]
            tensors[f"{name}_blocks"], tensors[f"{name}_scales"] = random_blocks(value.transpose(1, 2).shape, random)
        else:
            tensors[name] = value.to(torch.bfloat16)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    config["dtype"] = "bfloat16"
    config["quantization_config"] = {"quant_method": "mxfp4", "modules_to_not_convert": [
        "model.layers.*.self_attn", "model.layers.*.mlp.router", "model.embed_tokens", "lm_head"]}
    (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
