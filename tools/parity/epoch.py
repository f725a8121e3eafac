#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One epoch of GSM8K by both: whose adapter predicts chats that neither has seen better?

Both begin with the same adapter, use every chat once, and take about as many steps with the same learning rates. Ours
packs chats into rows of 512 tokens and shuffles; theirs pads batches of chats in file order. Both adapters are then
measured by transformers + PEFT on the same held-out chats. Exit status 1 when ours is worse by more than --allowed.
Takes most of an hour on two cores, so that what is in --work already is not made again.
"""

import argparse
import json
import math
import sys
from pathlib import Path

import our_side
from chats import Encoded, read_gsm8k, write_jsonl
from train_reference import WARMUP, encoded_rows

LENGTH, LR = 512, 2e-4


def prepare(args) -> None:
    import torch
    from peft import LoraConfig, get_peft_model
    from peft_side import ALPHA, RANK, load_base
    args.work.mkdir(parents=True, exist_ok=True)
    chats = read_gsm8k(args.data, args.rows + args.held_out)
    write_jsonl(args.work / "train.jsonl", chats[:args.rows])
    write_jsonl(args.work / "held-out.jsonl", chats[args.rows:])
    torch.manual_seed(args.seed)
    config = LoraConfig(r=RANK, lora_alpha=ALPHA, lora_dropout=0.0, target_modules="all-linear", task_type="CAUSAL_LM")
    get_peft_model(load_base(args.model), config).save_pretrained(args.work / "initial-adapter")


def ours(args) -> None:
    output, recipe = args.work / "runs", args.work / "recipe.yaml"
    our_side.write_recipe(recipe, name="epoch", model=args.model, data=args.work / "train.jsonl", output_dir=output,
                          validation=args.work / "held-out.jsonl", adapter=args.work / "initial-adapter", max_length=LENGTH,
                          steps=1, batch=args.batch, lr=LR, warmup=WARMUP)
    content = json.loads(recipe.read_text())
    content["data"] |= {"packing": True, "shuffle": True}
    content["train"] |= {"max_steps": None, "epochs": 1, "seed": args.seed}
    recipe.write_text(json.dumps(content, indent=1))
    our_side.run_program(args.program, "train", str(recipe), "--ranks", str(args.ranks))


def theirs(args, steps: int) -> None:
    from peft_side import train
    # Cut as ours are: one chat of the first thousand is longer.
    rows = [Encoded(row.ids[:LENGTH], row.labelled[:LENGTH]) for row in encoded_rows(args.model, args.work / "train.jsonl")]
    batch = math.ceil(len(rows) / steps)
    records = train(args.model, args.work / "initial-adapter", rows, steps=math.ceil(len(rows) / batch), batch=batch, lr=LR,
                    warmup=WARMUP, out=args.work / "peft-adapter")
    (args.work / "peft.json").write_text(json.dumps(records))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("model", "data", "work", "program"):
        parser.add_argument(f"--{name}", type=lambda p: Path(p).absolute(), required=True)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--held-out", type=int, default=200)
    parser.add_argument("--batch", type=int, default=8, help="packed rows of a step of ours")
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2, help="of theirs")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--allowed", type=float, default=0.0, help="by how much our loss may be above theirs")
    args = parser.parse_args()

    if not (args.work / "initial-adapter").exists():
        prepare(args)
    if not (args.work / "runs").exists():
        ours(args)
    run = our_side.only_run(args.work / "runs")
    done, steps = our_side.completed(run), our_side.step_records(run)

    import torch
    from peft_side import loss_with_adapter
    torch.set_num_threads(args.threads)
    if not (args.work / "peft.json").exists():
        theirs(args, len(steps))
    records = json.loads((args.work / "peft.json").read_text())
    held_out = encoded_rows(args.model, args.work / "held-out.jsonl")
    loss = {name: loss_with_adapter(args.model, folder, held_out) for name, folder in
            {"before": args.work / "initial-adapter", "PEFT": args.work / "peft-adapter", "PEFT Studio": run / "adapter"}.items()}

    print(f"{args.rows} GSM8K chats once, LoRA r 16, fp32; measured by PEFT on {args.held_out} others")
    print(f"{'':<14}{'steps':>7}{'labelled tokens':>17}{'loss after':>12}")
    print(f"{'before':<14}{'':>7}{'':>17}{loss['before']:>12.4f}")
    for name, labelled in (("PEFT", [r["labelled_tokens"] for r in records]),
                           ("PEFT Studio", [s["labelled_tokens"] for s in steps])):
        print(f"{name:<14}{len(labelled):>7}{sum(labelled):>17}{loss[name]:>12.4f}")
    print(f"by PEFT Studio itself: {done['validation_loss_before']:.4f} before, {done['validation_loss_after']:.4f} after")
    if sum(r["labelled_tokens"] for r in records) != sum(s["labelled_tokens"] for s in steps):
        raise SystemExit("the two have not seen the same tokens")
    return 0 if loss["PEFT Studio"] <= loss["PEFT"] + args.allowed else 1


if __name__ == "__main__":
    sys.exit(main())
