#!/usr/bin/env python3
"""PEFT Studio next to transformers + PEFT on one machine in one run: tokens per second and peak memory.

The two take turns (ours, theirs, ours, theirs ...), so that a machine that gets slower slows both; each figure is the
median over the rounds. SmolLM2-135M, LoRA r 16 on all linears, batches of 4 rows of 256 tokens, every token a target.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
WANTED = {"tokens_per_s": 1.5, "peak_rss_bytes": 0.5}  # at least so many times theirs; at most this share of theirs


def write_text(out: Path, gsm8k: Path, documents: int, rows_each: int) -> None:
    """Documents of several rows each: longer than a training row, so that after truncation every row is full."""
    with open(gsm8k, encoding="utf-8") as lines, open(out, "w", encoding="utf-8") as text:
        for _ in range(documents):
            rows = [json.loads(next(lines)) for _ in range(rows_each)]
            text.write(json.dumps({"text": "\n".join(row["question"] + "\n" + row["answer"] for row in rows)}) + "\n")


def recipe(args, text: Path, precision: str, output: Path) -> dict:
    return {
        "name": f"bench-{precision}", "model": {"path": str(args.model)},
        "adapter": {"type": "lora", "r": 16, "alpha": 32, "dropout": 0.0, "target_modules": "all-linear"},
        "data": {"train": [{"path": str(text), "format": "text"}], "max_length": args.length, "packing": True,
                 "shuffle": False, "train_on": "all", "too_long": "truncate"},
        "train": {"max_steps": args.warmup + args.steps, "epochs": 100, "micro_batch_size": args.batch,
                  "global_batch_size": args.batch, "max_grad_norm": 1.0, "precision": precision, "device": "cpu",
                  "gradient_checkpointing": False, "threads": args.threads},
        "optimizer": {"lr": 2e-4}, "scheduler": {"name": "constant", "warmup_steps": 0},
        "evaluate": {"every_steps": None}, "output_dir": str(output),
    }


def run_measured(command: list[str], environment: dict | None = None) -> tuple[str, int]:
    """Standard output and the peak resident memory in bytes of the largest process that the command started."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read_end)
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
        with os.fdopen(write_end, "w") as out:
            json.dump({"status": done.returncode, "out": done.stdout, "error": done.stderr, "peak": peak}, out)
        os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end) as result:
        got = json.loads(result.read())
    os.waitpid(child, 0)
    if got["status"] != 0:
        raise SystemExit(f"{' '.join(map(str, command))}: exit status {got['status']}\n{got['out']}{got['error']}")
    return got["out"], got["peak"]


def ours(args, text: Path, precision: str, round_number: int) -> dict:
    output = args.work / f"runs-{precision}-{round_number}"
    recipe_file = args.work / f"{precision}-{round_number}.yaml"
    recipe_file.write_text(json.dumps(recipe(args, text, precision, output)))  # JSON is YAML
    _, peak = run_measured([str(args.program), "train", str(recipe_file), "--ranks", "1"])
    records = [json.loads(line) for log in output.glob("*/attempts/0001/nodes/*.jsonl") for line in open(log)]
    steps = sorted((r for r in records if r.get("kind") == "step"), key=lambda r: r["step"])[args.warmup:]
    if len(steps) != args.steps:
        raise SystemExit(f"{output}: {len(steps)} timed steps, expected {args.steps}")
    if any(r["tokens"] != args.batch * args.length for r in steps):
        raise SystemExit(f"{output}: rows are not full, the figures could not be compared: {[r['tokens'] for r in steps]}")
    return {"tokens_per_s": statistics.median(r["tokens"] / r["step_s"] for r in steps), "peak_rss_bytes": peak}


def theirs(args, text: Path, precision: str) -> dict:
    command = [sys.executable, str(HERE / "peft_train.py"), "--model", args.model, "--text", text, "--precision", precision,
               "--batch", args.batch, "--length", args.length, "--threads", args.threads, "--warmup", args.warmup,
               "--steps", args.steps]
    out, peak = run_measured([str(word) for word in command])
    return {**json.loads(out.splitlines()[-1]), "peak_rss_bytes": peak}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("model", "data", "program", "work"):
        parser.add_argument(f"--{name}", type=lambda p: Path(p).absolute(), required=True)
    parser.add_argument("--precision", nargs="+", default=["fp32", "bf16"])
    for name, value in {"rounds": 3, "batch": 4, "length": 256, "threads": 2, "warmup": 2, "steps": 8}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    text = args.work / "text.jsonl"
    write_text(text, args.data, documents=200, rows_each=6)

    print(f"{platform.node()}: {os.cpu_count()} cores, {args.threads} threads, batch {args.batch} x {args.length} tokens, "
          f"median of {args.rounds} rounds of {args.steps} steps")
    print(f"{'':<6} {'':<16} {'PEFT':>12} {'PEFT Studio':>12} {'ratio':>8}  wanted")
    misses = 0
    for precision in args.precision:
        mine, peer = [], []
        for number in range(args.rounds):
            mine.append(ours(args, text, precision, number))
            peer.append(theirs(args, text, precision))
        for key, unit, scale in (("tokens_per_s", "tokens/s", 1), ("peak_rss_bytes", "peak MiB", 2**20)):
            a = statistics.median(r[key] for r in peer)
            b = statistics.median(r[key] for r in mine)
            at_least = key == "tokens_per_s"
            good = b / a >= WANTED[key] if at_least else b / a <= WANTED[key]
            misses += not good
            print(f"{precision:<6} {unit:<16} {a / scale:>12.1f} {b / scale:>12.1f} {b / a:>8.2f}  "
                  f"{'>=' if at_least else '<='} {WANTED[key]}{'' if good else '  MISS'}")
    return 1 if misses else 0


if __name__ == "__main__":
    sys.exit(main())
