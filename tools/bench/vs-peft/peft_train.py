#!/usr/bin/env python3
"""Speed and memory of transformers + PEFT for one LoRA step, as a user of both would run it.

Prints one JSON object: tokens per second (median over the timed steps) and the peak resident memory of the process.
Nothing is held back: SDPA attention, fused AdamW; in bf16 the base
model is held in bf16 and the adapter in fp32 under autocast, as the Trainer does with bf16=True.
"""

import argparse
import json
import resource
import statistics
import sys
import time
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer


def rows_of_tokens(tokenizer, text_file: Path, length: int) -> torch.Tensor:
    """The first `length` tokens of every text of a JSONL file ({"text": ...} rows): [rows, length]. All are long enough."""
    with open(text_file, encoding="utf-8") as lines:
        return torch.tensor([tokenizer(json.loads(line)["text"])["input_ids"][:length] for line in lines])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--text", type=Path, required=True)
    parser.add_argument("--precision", choices=["fp32", "bf16"], required=True)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--length", type=int, default=256)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--warmup", type=int, default=2)
    parser.add_argument("--steps", type=int, default=8)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)

    bf16 = args.precision == "bf16"
    model = AutoModelForCausalLM.from_pretrained(args.model, dtype=torch.bfloat16 if bf16 else torch.float32,
                                                 attn_implementation="sdpa")
    model.config.use_cache = False
    model = get_peft_model(model, LoraConfig(r=16, lora_alpha=32, lora_dropout=0.0, target_modules="all-linear",
                                             task_type="CAUSAL_LM"))  # PEFT keeps the adapter in fp32
    model.train()
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=2e-4, fused=True)
    rows = rows_of_tokens(AutoTokenizer.from_pretrained(args.model), args.text, args.length)

    seconds, losses = [], []
    for step in range(args.warmup + args.steps):
        first = step * args.batch % (len(rows) - args.batch + 1)
        ids = rows[first:first + args.batch]
        begin = time.perf_counter()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            loss = model(input_ids=ids, labels=ids).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        seconds.append(time.perf_counter() - begin)
        losses.append(loss.item())

    print(json.dumps({
        "tokens_per_s": args.batch * args.length / statistics.median(seconds[args.warmup:]),
        "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "step_s": seconds[args.warmup:], "first_loss": losses[0], "last_loss": losses[-1],
    }))
    return 0


if __name__ == "__main__":
    sys.exit(main())
