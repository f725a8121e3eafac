#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains the same LoRA with transformers + PEFT and with PEFT Studio, and compares step by step.

tools/parity/run calls the parts in order, in a virtual environment of its own:
  tiny     makes the tiny llama with awkward sizes
  prepare  rows as chats and an initial adapter, for both sides
  train    the reference: transformers + PEFT
  compare  runs `peft-studio train` on the same and prints a table; exit status 1 on any miss
  tokens   token ids and label masks of many chats
"""

import argparse
import json
import shutil
import sys
from pathlib import Path

LR, WARMUP = 2e-4, 2
LOSS_RELATIVE = 2e-4   # fp32 sums in another order
LR_ABSOLUTE = 1e-6
EXPORTED_LOSS = 1e-4
NORM_RELATIVE = 2e-3   # a norm over all gradients feels the order of sums more than a loss does


class Table:
    """Rows of a comparison, and whether all of them hold."""

    def __init__(self) -> None:
        self.misses = 0
        print(f"{'what':<34} {'PEFT':>16} {'PEFT Studio':>16} {'difference':>12} {'allowed':>10}")

    def row(self, what: str, theirs: float, ours: float, difference: float, allowed: float) -> None:
        good = difference <= allowed  # false for NaN too
        self.misses += not good
        print(f"{what:<34} {theirs:>16.9g} {ours:>16.9g} {difference:>12.3g} {allowed:>10.3g} {'' if good else '  MISS'}")

    def equal(self, what: str, theirs: float, ours: float) -> None:
        self.row(what, theirs, ours, abs(theirs - ours), 0)

    def close(self) -> int:
        print("all within tolerance" if self.misses == 0 else f"{self.misses} outside tolerance")
        return 1 if self.misses else 0


def relative(a: float, b: float) -> float:
    return abs(a - b) / max(abs(a), abs(b), 1e-30)


def encoded_rows(model: Path, chats_file: Path) -> list:
    from transformers import AutoTokenizer
    from chats import encode_chat, read_jsonl
    tokenizer = AutoTokenizer.from_pretrained(model)
    return [encode_chat(tokenizer, chat) for chat in read_jsonl(chats_file)]


def tiny(args) -> int:
    from tiny_llama import make_tiny_llama
    make_tiny_llama(args.model, args.out, seed=11)
    return 0


def prepare(args) -> int:
    from chats import read_gsm8k, write_jsonl
    from peft_side import make_adapter
    args.work.mkdir(parents=True, exist_ok=True)
    write_jsonl(args.work / "chats.jsonl", read_gsm8k(args.data, args.rows))
    make_adapter(args.model, args.work / "initial-adapter", seed=5)
    return 0


def train(args) -> int:
    import torch
    from peft_side import loss_with_adapter, train as train_peft
    torch.set_num_threads(args.threads)
    rows = encoded_rows(args.model, args.work / "chats.jsonl")
    initial = args.work / "initial-adapter"
    before = loss_with_adapter(args.model, initial, rows, args.quantisation)
    records = train_peft(args.model, initial, rows, steps=args.steps, batch=args.batch, lr=LR, warmup=WARMUP,
                         out=args.work / "peft-adapter", quantisation=args.quantisation)
    after = loss_with_adapter(args.model, args.work / "peft-adapter", rows, args.quantisation)
    (args.work / "peft.json").write_text(json.dumps({"before": before, "after": after, "steps": records}, indent=1))
    return 0


def compare(args) -> int:
    import our_side
    from peft_side import loss_with_adapter
    output = args.work / "runs"
    if output.exists():
        raise SystemExit(f"{output} is there already; give a fresh --work")
    chats_file, recipe = args.work / "chats.jsonl", args.work / "recipe.yaml"
    same_again = args.work / "chats-for-validation.jsonl"  # a recipe refuses to validate on what it trains on
    shutil.copyfile(chats_file, same_again)
    our_side.write_recipe(recipe, name="parity", model=args.model, data=chats_file, validation=same_again,
                          output_dir=output, adapter=args.work / "initial-adapter", steps=args.steps, batch=args.batch,
                          lr=LR, warmup=WARMUP, quantisation=args.quantisation)
    our_side.run_program(args.program, "train", str(recipe), "--ranks", str(args.ranks))
    run = our_side.only_run(output)
    theirs = json.loads((args.work / "peft.json").read_text())
    ours, done = our_side.step_records(run), our_side.completed(run)

    print(f"\n{args.model.name}: {args.batch} GSM8K chats a step, fp32, LoRA on all linears, {args.ranks} rank(s), "
          f"base kept as {args.quantisation}")
    table = Table()
    table.equal("steps", len(theirs["steps"]), len(ours))
    for a, b in zip(theirs["steps"], ours):
        table.row(f"step {a['step']}: loss", a["loss"], b["loss"], relative(a["loss"], b["loss"]), LOSS_RELATIVE)
        table.row(f"step {a['step']}: lr", a["lr"], b["lr"], abs(a["lr"] - b["lr"]), LR_ABSOLUTE)
        table.row(f"step {a['step']}: gradient norm", a["grad_norm"], b["grad_norm"],
                  relative(a["grad_norm"], b["grad_norm"]), NORM_RELATIVE)
        table.equal(f"step {a['step']}: labelled tokens", a["labelled_tokens"], b["labelled_tokens"])
    rows = encoded_rows(args.model, chats_file)
    table.row("initial adapter: loss", theirs["before"], done["validation_loss_before"],
              abs(theirs["before"] - done["validation_loss_before"]), EXPORTED_LOSS)
    exported = loss_with_adapter(args.model, run / "adapter", rows, args.quantisation)
    table.row("our adapter, loaded by PEFT: loss", exported, done["validation_loss_after"],
              abs(exported - done["validation_loss_after"]), EXPORTED_LOSS)
    table.row("PEFT's adapter and ours: loss", theirs["after"], exported, relative(theirs["after"], exported),
              10 * LOSS_RELATIVE)
    return table.close()


def tokens(args) -> int:
    import our_side
    from chats import read_gsm8k, write_jsonl
    args.work.mkdir(parents=True, exist_ok=True)
    chats_file, recipe = args.work / "chats-for-tokens.jsonl", args.work / "tokens.yaml"
    write_jsonl(chats_file, read_gsm8k(args.data, args.rows))
    our_side.write_recipe(recipe, name="tokens", model=args.model, data=chats_file, output_dir=args.work / "token-runs")
    theirs = encoded_rows(args.model, chats_file)
    ours = our_side.dumped_tokens(args.program, recipe)

    print(f"\n{args.model.name}: tokens and labels of {args.rows} GSM8K chats")
    table = Table()
    table.equal("chats", len(theirs), len(ours))
    table.equal("tokens", sum(len(a.ids) for a in theirs), sum(len(b["ids"]) for b in ours))
    table.equal("labelled tokens", sum(sum(a.labelled) for a in theirs), sum(map(sum, (b["labelled"] for b in ours))))
    differing = [i for i, (a, b) in enumerate(zip(theirs, ours))
                 if a.ids != b["ids"] or [int(on) for on in a.labelled] != [int(on) for on in b["labelled"]]]
    table.equal("chats that differ", 0, len(differing))
    if differing:
        print("the first that differ:", differing[:10])
    return table.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)

    def command(function, *options):
        sub = commands.add_parser(function.__name__)
        known = {"model": {"type": Path}, "data": {"type": Path}, "work": {"type": Path}, "out": {"type": Path},
                 "program": {"type": Path}}
        for option in options:
            sub.add_argument(f"--{option}", required=True, **known[option])
        sub.add_argument("--rows", type=int, default=500 if function is tokens else 32)
        sub.add_argument("--threads", type=int, default=2)
        sub.add_argument("--ranks", type=int, default=1)
        sub.add_argument("--steps", type=int, default=8)
        sub.add_argument("--batch", type=int, default=8)
        sub.add_argument("--quantisation", choices=["none", "nf4", "int8"], default="none")
        sub.set_defaults(function=function)

    command(tiny, "model", "out")
    command(prepare, "model", "data", "work")
    command(train, "model", "work")
    command(compare, "model", "work", "program")
    command(tokens, "model", "data", "work", "program")
    args = parser.parse_args()
    for name in ("model", "data", "work", "out", "program"):
        if getattr(args, name, None):
            setattr(args, name, getattr(args, name).absolute())
    return args.function(args)


if __name__ == "__main__":
    sys.exit(main())
