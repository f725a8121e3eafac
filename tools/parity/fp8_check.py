#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`peft-studio model quantise --format fp8` next to torch and transformers + compressed-tensors, on a whole model.

    fp8_check.py --model DIR --program build/dev/bin/peft-studio --work NEW_DIR

1. Every code and scale of our folder against torch's own rounding to float8_e4m3fn, byte by byte.
2. transformers + compressed-tensors load our folder: every weight is that of torch, and the loss of a sentence is told
   beside that of the original.
Exit status 1 when anything differs. Needs what tools/lib/peer_venv.sh installs, and compressed-tensors 0.20.
"""
import argparse
import subprocess
import sys
from pathlib import Path

import torch
from safetensors import safe_open
from transformers import AutoModelForCausalLM, AutoTokenizer, CompressedTensorsConfig

SENTENCE = "Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May."


def quantised(weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Codes and scales [out, 1] as torch makes them. @param weight [out, in]"""
    scale = weight.float().abs().amax(1, keepdim=True) / 448
    return (weight.float() / torch.where(scale == 0, 1.0, scale)).to(torch.float8_e4m3fn), scale


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option in ("model", "program", "work"):
        parser.add_argument(f"--{option}", type=Path, required=True)
    args = parser.parse_args()
    subprocess.run([args.program, "model", "quantise", args.model, args.work, "--format", "fp8"], check=True)

    original = AutoModelForCausalLM.from_pretrained(args.model, dtype=torch.float32).eval()
    loaded = AutoModelForCausalLM.from_pretrained(args.work, dtype=torch.float32,
                                                  quantization_config=CompressedTensorsConfig(dequantize=True)).eval()
    theirs, reread = dict(original.named_parameters()), dict(loaded.named_parameters())
    different, matrices = [], 0
    with safe_open(args.work / "model.safetensors", "pt") as store:
        for name in store.keys():
            if name + "_scale" not in store.keys():
                continue
            matrices += 1
            codes, scale = quantised(theirs[name].detach())
            good = (store.get_tensor(name).view(torch.uint8).equal(codes.view(torch.uint8))
                    and store.get_tensor(name + "_scale").equal(scale)
                    and reread[name].detach().equal(codes.float() * scale))
            if not good:
                different.append(name)
    tokens = AutoTokenizer.from_pretrained(args.model)(SENTENCE, return_tensors="pt")
    with torch.no_grad():
        losses = [model(**tokens, labels=tokens.input_ids).loss.item() for model in (original, loaded)]
    print(f"{matrices} matrices, different: {different[:5] or 'none'}; loss of a sentence {losses[0]:.4f}, from our folder {losses[1]:.4f}")
    return 1 if different or matrices == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
