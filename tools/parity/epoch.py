#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One epoch of GSM8K by both, method by method: whose adapter predicts chats that neither has seen better?

Both begin with the same adapter, use every chat once, and take about as many steps with the same learning rates. Ours
packs chats into rows of 512 tokens and shuffles; theirs pads batches of chats in file order. Both adapters are then
measured by transformers + PEFT on the same held-out chats. Exit status 1 when ours is worse by more than --allowed.
With 1,000 rows a method takes a quarter of an hour on two cores, so that what is in --work already is not made again.
"""

import argparse
import json
import math
import sys
import time
from pathlib import Path

import method_settings
import our_side
from chats import Encoded, read_gsm8k, write_jsonl
from train_reference import WARMUP, encoded_rows

LENGTH = 512


def prepare_chats(args) -> None:
    args.work.mkdir(parents=True, exist_ok=True)
    chats = read_gsm8k(args.data, args.rows + args.held_out)
    write_jsonl(args.work / "train.jsonl", chats[:args.rows])
    write_jsonl(args.work / "held-out.jsonl", chats[args.rows:])


def prepare_adapter(args, method: str, folder: Path) -> None:
    import torch
    from peft import get_peft_model
    from peft_side import load_base
    torch.manual_seed(args.seed)
    get_peft_model(load_base(args.model), method_settings.theirs(method)).save_pretrained(folder / "initial-adapter")


def ours(args, method: str, folder: Path) -> None:
    output, recipe = folder / "runs", folder / "recipe.yaml"
    our_side.write_recipe(recipe, name="epoch", model=args.model, data=args.work / "train.jsonl", output_dir=output,
                          validation=args.work / "held-out.jsonl", adapter=folder / "initial-adapter", max_length=LENGTH,
                          steps=1, batch=args.batch, lr=method_settings.learning_rate(method), warmup=WARMUP)
    content = json.loads(recipe.read_text())
    content["adapter"] = method_settings.ours(method) | {"init_from": str(folder / "initial-adapter")}
    content["data"] |= {"packing": True, "shuffle": True}
    content["train"] |= {"max_steps": None, "epochs": 1, "seed": args.seed}
    recipe.write_text(json.dumps(content, indent=1))
    our_side.run_program(args.program, "train", str(recipe), "--ranks", str(args.ranks))


def theirs(args, method: str, folder: Path, steps: int) -> None:
    from peft_side import train
    # Cut as ours are: one chat of the first thousand is longer.
    rows = [Encoded(row.ids[:LENGTH], row.labelled[:LENGTH]) for row in encoded_rows(args.model, args.work / "train.jsonl")]
    batch = math.ceil(len(rows) / steps)
    began = time.perf_counter()
    records = train(args.model, folder / "initial-adapter", rows, steps=math.ceil(len(rows) / batch), batch=batch,
                    lr=method_settings.learning_rate(method), warmup=WARMUP, out=folder / "peft-adapter")
    (folder / "peft.json").write_text(json.dumps({"steps": records, "seconds": time.perf_counter() - began}))


def compare(args, method: str) -> bool:
    """Prints the method's line. @return whether ours is no worse"""
    import torch
    from peft_side import loss_with_adapter
    from safetensors import safe_open
    folder = args.work / method
    if not (folder / "initial-adapter").exists():
        prepare_adapter(args, method, folder)
    if not (folder / "runs").exists():
        ours(args, method, folder)
    run = our_side.only_run(folder / "runs")
    steps = our_side.step_records(run)
    torch.set_num_threads(args.threads)
    if not (folder / "peft.json").exists():
        theirs(args, method, folder, len(steps))
    peer = json.loads((folder / "peft.json").read_text())
    if sum(r["labelled_tokens"] for r in peer["steps"]) != sum(s["labelled_tokens"] for s in steps):
        raise SystemExit(f"{method}: the two have not seen the same tokens")

    held_out = encoded_rows(args.model, args.work / "held-out.jsonl")
    loss = {name: loss_with_adapter(args.model, adapter, held_out) for name, adapter in
            {"before": folder / "initial-adapter", "PEFT": folder / "peft-adapter", "ours": run / "adapter"}.items()}
    with safe_open(run / "adapter" / "adapter_model.safetensors", framework="numpy") as file:
        values = sum(math.prod(file.get_slice(name).get_shape()) for name in file.keys())
    good = loss["ours"] <= loss["PEFT"] * (1 + args.allowed / 100)
    print(f"{method:<15}{values:>11}{len(peer['steps']):>7}{len(steps):>7}{loss['before']:>9.4f}{loss['PEFT']:>9.4f}{loss['ours']:>9.4f}"
          f"{100 * (loss['ours'] / loss['PEFT'] - 1):>+8.2f}%{peer['seconds']:>9.0f}{sum(s['step_s'] for s in steps):>9.0f}"
          f"{'' if good else '  MISS'}", flush=True)
    return good


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("model", "data", "work", "program"):
        parser.add_argument(f"--{name}", type=lambda p: Path(p).absolute(), required=True)
    parser.add_argument("--methods", nargs="+", choices=method_settings.METHODS, default=["lora"])
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--held-out", type=int, default=200)
    parser.add_argument("--batch", type=int, default=8, help="packed rows of a step of ours")
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2, help="of theirs")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--allowed", type=float, default=0.0, help="by how many per cent our loss may be above theirs")
    args = parser.parse_args()
    if not (args.work / "held-out.jsonl").exists():
        prepare_chats(args)

    print(f"{args.rows} GSM8K chats once, fp32; loss of {args.held_out} others by transformers + PEFT; seconds of training")
    print(f"{'':<15}{'values in':>11}{'steps':>7}{'':>7}{'loss':>9}{'':>9}{'':>9}{'':>9}{'seconds':>9}\n"
          f"{'method':<15}{'its file':>11}{'PEFT':>7}{'ours':>7}{'before':>9}{'PEFT':>9}{'ours':>9}{'':>9}{'PEFT':>9}{'ours':>9}")
    return 0 if all([compare(args, method) for method in args.methods]) else 1


if __name__ == "__main__":
    sys.exit(main())
