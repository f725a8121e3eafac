#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Speed and memory of transformers + PEFT for one step of a PEFT method, as a user of both would run it.

Rows of text of one length, every token a target; or GSM8K as chats, each batch padded to its longest, the answers
targets. Prints one JSON object: tokens per second (median over the timed steps), labelled tokens per second (of all of
them together, since batches differ), and the peak resident memory of the process.
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
from peft import get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

sys.path.append(str(Path(__file__).resolve().parents[2] / "parity"))
import method_settings  # noqa: E402
from chats import encode_chat, read_gsm8k  # noqa: E402
from peft_side import batch_of  # noqa: E402


def rows_of_tokens(tokenizer, text_file: Path, length: int) -> torch.Tensor:
    """The first `length` tokens of every text of a JSONL file ({"text": ...} rows): [rows, length]. All are long enough."""
    with open(text_file, encoding="utf-8") as lines:
        return torch.tensor([tokenizer(json.loads(line)["text"])["input_ids"][:length] for line in lines])


def batches_of_text(tokenizer, args) -> list[dict]:
    rows = rows_of_tokens(tokenizer, args.text, args.length)
    starts = [step * args.batch % (len(rows) - args.batch + 1) for step in range(args.warmup + args.steps)]
    return [{"input_ids": rows[at:at + args.batch], "labels": rows[at:at + args.batch]} for at in starts]


def batches_of_chats(tokenizer, args) -> list[dict]:
    chats = read_gsm8k(args.chats, args.batch * (args.warmup + args.steps))
    rows = [encode_chat(tokenizer, chat) for chat in chats]
    return [batch_of(rows[at:at + args.batch]) for at in range(0, len(rows), args.batch)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    data = parser.add_mutually_exclusive_group(required=True)
    data.add_argument("--text", type=Path)
    data.add_argument("--chats", type=Path)
    parser.add_argument("--precision", choices=["fp32", "bf16"], required=True)
    parser.add_argument("--method", choices=method_settings.METHODS, default="lora")
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
    model = get_peft_model(model, method_settings.theirs(args.method))  # PEFT keeps the adapter in fp32
    model.train()
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=2e-4, fused=True)
    tokenizer = AutoTokenizer.from_pretrained(args.model)
    batches = batches_of_chats(tokenizer, args) if args.chats else batches_of_text(tokenizer, args)

    seconds, losses = [], []
    for batch in batches:
        begin = time.perf_counter()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            loss = model(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        seconds.append(time.perf_counter() - begin)
        losses.append(loss.item())

    timed = batches[args.warmup:]
    print(json.dumps({
        "tokens_per_s": timed[0]["input_ids"].numel() / statistics.median(seconds[args.warmup:]),
        "labelled_per_s": sum((b["labels"][:, 1:] != -100).sum().item() for b in timed) / sum(seconds[args.warmup:]),
        "padding": 1 - sum(b["attention_mask"].sum().item() if "attention_mask" in b else b["input_ids"].numel() for b in timed)
        / sum(b["input_ids"].numel() for b in timed),
        "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "step_s": seconds[args.warmup:], "first_loss": losses[0], "last_loss": losses[-1],
    }))
    return 0


if __name__ == "__main__":
    sys.exit(main())
