#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What 8-bit floats do to training on a real model: transformers + PEFT on a CPU, frozen layers rounded as ours are on a GPU
that multiplies them. Four runs from one start; prints the mean loss of each.

  fp8_training.py --model FOLDER --data train.jsonl        (rows with `question` and `answer`)

plain: f32 throughout.  weights: the weights rounded.  forward: activations too, a scale per token.  both: backward
the gradients as well, after the rows' scales went into them."""

import argparse
import json

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

LARGEST = 448.0


def rounded(rows):
    """Each row to E4M3 with a scale of its own, and back."""
    scale = rows.abs().amax(1, keepdim=True) / LARGEST
    scale = torch.where(scale == 0, torch.ones_like(scale), scale)
    return (rows / scale).to(torch.float8_e4m3fn).float() * scale


class Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, codes, scale, mode):
        ctx.save_for_backward(codes, scale)
        ctx.mode = mode
        rows = x.reshape(-1, x.shape[-1])
        y = (rows if mode == "weights" else rounded(rows)) @ (codes * scale).t()
        return y.view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx, dy):
        codes, scale = ctx.saved_tensors
        rows = dy.reshape(-1, dy.shape[-1])
        dx = rounded(rows * scale.t()) @ codes if ctx.mode == "both" else rows @ (codes * scale)
        return dx.view(*dy.shape[:-1], -1), None, None, None


class Frozen(torch.nn.Module):
    def __init__(self, linear, mode):
        super().__init__()
        self.in_features, self.out_features, self.weight, self.mode = linear.in_features, linear.out_features, linear.weight, mode
        self.scale = linear.weight.data.abs().amax(1, keepdim=True) / LARGEST
        self.codes = (linear.weight.data / self.scale).to(torch.float8_e4m3fn).float()

    def forward(self, x):
        return Product.apply(x, self.codes, self.scale, self.mode)


def losses(args, ids, mode):
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained(args.model, dtype=torch.float32)
    model = get_peft_model(model, LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"))
    if mode != "plain":
        for module in list(model.modules()):
            if hasattr(module, "base_layer"):
                module.base_layer = Frozen(module.base_layer, mode)
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-3)
    found = []
    for step in range(args.steps):
        batch = ids[step * args.length:(step + 1) * args.length][None]
        loss = model(input_ids=batch, labels=batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        found.append(loss.item())
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--length", type=int, default=384, help="tokens of a step")
    args = parser.parse_args()
    with open(args.data, encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    text = "\n\n".join(row["question"] + "\n" + row["answer"] for row in rows)
    ids = AutoTokenizer.from_pretrained(args.model)(text[:args.steps * args.length * 8], return_tensors="pt").input_ids[0]
    for mode in ("plain", "weights", "forward", "both"):
        found = losses(args, ids, mode)
        print(f"{mode:8} mean loss {sum(found) / len(found):.4f}, of the last five {sum(found[-5:]) / len(found[-5:]):.4f}", flush=True)


if __name__ == "__main__":
    main()
