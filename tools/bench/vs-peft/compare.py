#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""PEFT Studio next to transformers + PEFT on one machine in one run: tokens per second and peak memory.

The two take turns (peak, ours, theirs, peak, ours ...), so that a machine that gets slower slows all; each figure is the
median over the rounds. LoRA r 16 on all linears, batches of 4 rows of 256 tokens, every token a target. Beside it the
share of what the cores multiply and add when they do nothing else (fma_peak). With --packing another table: labelled
tokens per second of GSM8K chats, packed by us, and in padded batches by the peer.
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
sys.path.append(str(HERE.parents[1] / "parity"))
import method_settings  # noqa: E402

WANTED = {"tokens_per_s": 1.5, "peak_rss_bytes": 0.5}  # at least so many times theirs; at most this share of theirs
WANTED_PACKED = 1.8


def operations_per_token(model: Path, length: int) -> float:
    """Floating point operations of a trained token, nothing recomputed, frozen base: 4 for each weight of a frozen linear
    layer it crosses, the head among them (forward and the gradient of the input), 6 for each of the adapter, three times
    the forward of causal attention."""
    c = json.loads((model / "config.json").read_text())
    hidden, heads = c["hidden_size"], c["num_attention_heads"]
    dim = c.get("head_dim") or hidden // heads
    keys, inner, layers = dim * c.get("num_key_value_heads", heads), c["intermediate_size"], c["num_hidden_layers"]
    shapes = [(hidden, heads * dim), (hidden, keys), (hidden, keys), (heads * dim, hidden), (hidden, inner), (hidden, inner),
              (inner, hidden)]
    linears = layers * sum(a * b for a, b in shapes) + hidden * c["vocab_size"]
    adapter = layers * sum(method_settings.RANK * (a + b) for a, b in shapes)
    return 4 * linears + 6 * adapter + 3 * 2 * length * heads * dim * layers


def write_text(out: Path, gsm8k: Path, documents: int, rows_each: int) -> None:
    """Documents of several rows each: longer than a training row, so that after truncation every row is full."""
    with open(gsm8k, encoding="utf-8") as lines, open(out, "w", encoding="utf-8") as text:
        for _ in range(documents):
            rows = [json.loads(next(lines)) for _ in range(rows_each)]
            text.write(json.dumps({"text": "\n".join(row["question"] + "\n" + row["answer"] for row in rows)}) + "\n")


def recipe(args, text: Path, precision: str, method: str = "lora") -> dict:
    return {
        "name": f"bench-{precision}", "model": {"path": str(args.model)}, "adapter": method_settings.ours(method),
        "data": {"train": [{"path": str(text), "format": "text"}], "max_length": args.length, "packing": True,
                 "shuffle": False, "train_on": "all", "too_long": "truncate"},
        "train": {"max_steps": args.warmup + args.steps, "epochs": 100, "micro_batch_size": args.batch // args.ranks,
                  "global_batch_size": args.batch, "max_grad_norm": 1.0, "precision": precision, "device": "cpu",
                  "gradient_checkpointing": False, "threads": args.threads // args.ranks},
        "optimizer": {"lr": 2e-4}, "scheduler": {"name": "constant", "warmup_steps": 0},
        "evaluate": {"every_steps": None},
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


def our_steps(args, recipe: dict, name: str) -> tuple[list[dict], int]:
    """The timed steps of a run of ours, and its peak memory: of all ranks, each as large as the largest."""
    output, file = args.work / f"runs-{name}", args.work / f"{name}.yaml"
    file.write_text(json.dumps(recipe | {"output_dir": str(output)}))  # JSON is YAML
    _, peak = run_measured([str(args.program), "train", str(file), "--ranks", str(args.ranks)])
    records = [json.loads(line) for log in output.glob("*/attempts/0001/nodes/*.jsonl") for line in open(log)]
    steps = sorted((r for r in records if r.get("kind") == "step"), key=lambda r: r["step"])[args.warmup:]
    if len(steps) != args.steps:
        raise SystemExit(f"{output}: {len(steps)} timed steps, expected {args.steps}")
    return steps, peak * args.ranks


def ours(args, text: Path, precision: str, round_number: int, method: str = "lora") -> dict:
    steps, peak = our_steps(args, recipe(args, text, precision, method), f"{method}-{precision}-{round_number}")
    if any(r["tokens"] != args.batch * args.length for r in steps):
        raise SystemExit(f"rows are not full, the figures could not be compared: {[r['tokens'] for r in steps]}")
    return {"tokens_per_s": statistics.median(r["tokens"] / r["step_s"] for r in steps), "peak_rss_bytes": peak}


def theirs(args, text: Path, precision: str, method: str = "lora") -> dict:
    command = [sys.executable, str(HERE / "peft_train.py"), "--model", args.model, "--text", text, "--precision", precision,
               "--method", method, "--batch", args.batch, "--length", args.length, "--threads", args.threads, "--warmup", args.warmup,
               "--steps", args.steps]
    out, peak = run_measured([str(word) for word in command])
    return {**json.loads(out.splitlines()[-1]), "peak_rss_bytes": peak}


def peak_of_cores(args) -> dict:
    return json.loads(subprocess.run([str(args.peak), str(args.threads)], check=True, capture_output=True, text=True).stdout)


def print_share_of_peak(args, precision: str, rate: float, peaks: list[dict]) -> None:
    column = "bf16" if precision == "bf16" else "f32"
    if peaks[0][column] is None:
        print(f"{precision:<6} share of the peak: this CPU does not multiply {column}")
        return
    peak, each = statistics.median(p[column] for p in peaks), operations_per_token(args.model, args.length)
    print(f"{precision:<6} {rate * each / 1e9:.1f} GFLOP/s ({each / 1e9:.3f} a token) of {peak:.1f} that the cores do at most: "
          f"{100 * rate * each / 1e9 / peak:.1f} %")


def packed(args, chats: Path, precision: str) -> int:
    """Labelled tokens per second of GSM8K chats: rows of 512 filled with whole chats, and batches of chats. @return misses"""
    base = recipe(args, chats, precision)
    data = {"train": [{"path": str(chats), "format": "chat"}], "max_length": 512, "shuffle": False, "train_on": "assistant"}
    ways = {"packed": (True, 4), "one chat a row": (False, 8)}
    rates = {way: [] for way in (*ways, "peer")}
    for number in range(args.rounds):
        for way, (packing, micro) in ways.items():
            train = base["train"] | {"micro_batch_size": micro // args.ranks, "global_batch_size": micro}
            steps, _ = our_steps(args, base | {"data": data | {"packing": packing}, "train": train}, f"chats-{micro}-{number}")
            rates[way].append(sum(r["labelled_tokens"] for r in steps) / sum(r["step_s"] for r in steps))
        command = [sys.executable, str(HERE / "peft_train.py"), "--model", args.model, "--chats", args.data, "--precision",
                   precision, "--batch", 8, "--threads", args.threads, "--warmup", args.warmup, "--steps", args.steps]
        peer = json.loads(run_measured([str(word) for word in command])[0].splitlines()[-1])
        rates["peer"].append(peer["labelled_per_s"])
    median = {way: statistics.median(values) for way, values in rates.items()}
    ratio = median["packed"] / median["peer"]
    print(f"{precision:<6} GSM8K chats, labelled tokens/s: packed {median['packed']:.1f}, one chat a row without padding "
          f"{median['one chat a row']:.1f}, the peer's padded batches {median['peer']:.1f} ({100 * peer['padding']:.0f} % padding); "
          f"packed / peer {ratio:.2f}, wanted {WANTED_PACKED}{'' if ratio >= WANTED_PACKED else '  MISS'}")
    return int(ratio < WANTED_PACKED)


def options(description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("model", "data", "program", "peak", "work"):
        parser.add_argument(f"--{name}", type=lambda p: Path(p).absolute(), required=True)
    parser.add_argument("--precision", nargs="+", default=["fp32", "bf16"])
    for name, value in {"rounds": 3, "batch": 4, "length": 256, "threads": 2, "warmup": 2, "steps": 8}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--ranks", type=int, default=1, help="of ours: they share threads and rows (default 1)")
    return parser


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("--packing", action="store_true", help="the table of GSM8K chats too")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    text = args.work / "text.jsonl"
    write_text(text, args.data, documents=200, rows_each=6)

    print(f"{platform.node()}: {os.cpu_count()} cores, {args.threads} threads, {args.ranks} ranks of ours, batch {args.batch} x {args.length} tokens, "
          f"median of {args.rounds} rounds of {args.steps} steps")
    print(f"{'':<6} {'':<16} {'PEFT':>12} {'PEFT Studio':>12} {'ratio':>8}  wanted")
    misses = 0
    for precision in args.precision:
        mine, peer, peaks = [], [], []
        for number in range(args.rounds):
            peaks.append(peak_of_cores(args))
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
        print_share_of_peak(args, precision, statistics.median(r["tokens_per_s"] for r in mine), peaks)
        if args.packing:
            chats = args.work / "chats.jsonl"
            with open(args.data, encoding="utf-8") as lines, open(chats, "w", encoding="utf-8") as out:
                for _, line in zip(range(500), lines):
                    row = json.loads(line)
                    out.write(json.dumps({"messages": [{"role": "user", "content": row["question"]},
                                                       {"role": "assistant", "content": row["answer"]}]}) + "\n")
            misses += packed(args, chats, precision)
    return 1 if misses else 0


if __name__ == "__main__":
    sys.exit(main())
