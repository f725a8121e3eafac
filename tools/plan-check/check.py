#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`peft-studio plan` against reality: time of a step and peak memory of 16 configurations; of families, of methods.

The machine is probed first; then every configuration is planned and run for a few steps. Time is the median over the
steps after the first, each against its own prediction; memory the worker's own peak (ru_maxrss). None of the shapes is one that the probe measures.
"""

import argparse
import json
import os
import platform
import random
import resource
import shlex
import shutil
import statistics
import subprocess
import sys
import textwrap
import time
from pathlib import Path

PROMISED = {"median_time": 8.0, "worst_time": 20.0, "worst_memory": 5.0}  # per cent

MODELS = {
    "5M": dict(hidden=192, layers=6, heads=6, kv_heads=3, intermediate=512, vocab=12000, dtype="F32"),
    "16M": dict(hidden=320, layers=8, heads=5, kv_heads=5, intermediate=864, vocab=16000, dtype="BF16"),
    "52M": dict(hidden=640, layers=8, heads=10, kv_heads=2, intermediate=1728, vocab=24000, dtype="BF16"),
    "135M": dict(hidden=576, layers=30, heads=9, kv_heads=3, intermediate=1536, vocab=49152, dtype="BF16"),
}

# model, ranks, r, row length, micro batch, rows of a step, precision, gradient checkpointing, packing
CONFIGURATIONS = [
    ("5M", 1, 20, 416, 3, 6, "fp32", False, True),
    ("5M", 1, 40, 576, 2, 4, "bf16", False, True),
    ("5M", 2, 12, 704, 2, 8, "fp32", False, False),
    ("5M", 1, 32, 224, 5, 10, "fp32", True, True),
    ("16M", 1, 12, 352, 4, 8, "fp32", False, False),
    ("16M", 1, 32, 832, 2, 4, "fp32", True, True),
    ("16M", 1, 8, 288, 4, 8, "bf16", False, False),
    ("16M", 2, 16, 352, 3, 12, "fp32", False, True),
    ("16M", 2, 24, 288, 3, 12, "bf16", True, True),
    ("52M", 1, 12, 480, 2, 4, "fp32", False, False),
    ("52M", 1, 20, 224, 3, 6, "bf16", False, False),
    ("52M", 1, 8, 832, 1, 2, "fp32", True, True),
    ("52M", 2, 16, 352, 2, 8, "fp32", False, False),
    ("135M", 1, 12, 288, 2, 2, "fp32", False, True),
    ("135M", 1, 16, 352, 1, 2, "fp32", True, False),
    ("135M", 2, 8, 224, 1, 4, "bf16", False, False),
]

# With --families: other layers than llama's.
FAMILY_MODELS = {
    "qwen3": dict(hidden=320, layers=8, heads=5, kv_heads=5, head_dim=96, intermediate=864, vocab=8000),
    "gemma2": dict(hidden=384, layers=8, heads=4, kv_heads=2, head_dim=80, intermediate=1056, vocab=8000, tied="true",
                   config=dict(hidden_activation="gelu_pytorch_tanh", sliding_window=96, query_pre_attn_scalar=80)),
    "phi3": dict(hidden=448, layers=8, heads=7, kv_heads=7, intermediate=1184, vocab=8000, tied="false"),
    "qwen3_moe": dict(hidden=320, layers=8, heads=5, kv_heads=5, head_dim=64, intermediate=864, vocab=8000,
                      config=dict(num_experts=8, num_experts_per_tok=2, moe_intermediate_size=448, norm_topk_prob=True)),
    "granite": dict(hidden=384, layers=8, heads=6, kv_heads=3, intermediate=992, vocab=8000,
                    config=dict(embedding_multiplier=12, residual_multiplier=0.22, attention_multiplier=0.02, logits_scaling=4)),
    "gpt_neox": dict(hidden=448, layers=8, heads=7, kv_heads=7, intermediate=1792, vocab=8000, tied="false",
                     config=dict(hidden_act="gelu", rotary_pct=0.25, rms_norm_eps=None, num_key_value_heads=None)),
}
FAMILY_CONFIGURATIONS = [
    ("qwen3", 1, 12, 352, 3, 6, "fp32", False, True),
    ("qwen3", 1, 20, 640, 2, 4, "fp32", True, False),
    ("gemma2", 1, 12, 416, 2, 4, "fp32", False, False),
    ("gemma2", 1, 24, 704, 2, 4, "fp32", True, True),
    ("phi3", 1, 20, 352, 2, 4, "fp32", False, True),
    ("phi3", 1, 8, 288, 4, 4, "fp32", True, False),
    ("qwen3_moe", 1, 12, 480, 2, 4, "fp32", False, True),
    ("qwen3_moe", 1, 20, 832, 1, 3, "fp32", True, True),
    ("granite", 1, 12, 416, 2, 4, "fp32", False, False),
    ("granite", 1, 40, 288, 3, 6, "fp32", True, True),
    ("gpt_neox", 1, 12, 352, 2, 4, "fp32", False, True),
    ("gpt_neox", 1, 24, 576, 2, 2, "fp32", True, False),
]

# With --methods: every adapter section of tests/fixtures/adapters on each of these.
METHOD_CONFIGURATIONS = [("5M", 1, 0, 416, 3, 6, "fp32", False, True), ("135M", 1, 0, 288, 2, 2, "fp32", False, True)]


def method_configurations(args) -> list[tuple]:
    sections = sorted((Path(__file__).resolve().parents[2] / "tests/fixtures/adapters").glob("*.yaml"))
    return [(*configuration, section) for configuration in METHOD_CONFIGURATIONS for section in sections
            if args.methods == "all" or section.stem in args.methods.split(",")]


def model(args, name: str) -> Path:
    folder = args.work / f"model-{name}"
    if not (folder / "config.json").exists():
        made = dict(MODELS[name]) if name in MODELS else {"model_type": name, "dtype": "F32", **FAMILY_MODELS[name]}
        made["config"] = json.dumps(made.get("config", {}))
        options = [str(word) for key, value in made.items() for word in ("--" + key.replace("_", "-"), value)]
        subprocess.run([str(args.build / "bin/make-tiny-model"), str(folder), "--max-positions", "2048", *options], check=True)
    return folder


def texts(args) -> Path:
    """Documents of 20 to 1,400 tokens: the tiny tokenizer has a token for nearly every byte."""
    path = args.work / "texts.jsonl"
    if not path.exists():
        chance = random.Random(11)
        with open(path, "w", encoding="utf-8") as out:
            for _ in range(600):
                length = int(min(1400, 20 + chance.expovariate(1 / 300)))
                out.write(json.dumps({"text": "".join(chance.choice("bcdfjklmpqrs uvwxyz") for _ in range(length))}) + "\n")
    return path


def recipe(args, number: int, configuration) -> Path:
    name, ranks, r, length, micro, rows, precision, checkpointing, packing, *section = configuration
    content = {
        "name": f"check-{number:02}", "model": {"path": str(model(args, name))},
        "data": {"train": [{"path": str(texts(args)), "format": "text"}], "max_length": length, "packing": packing,
                 "train_on": "all"},
        "train": {"max_steps": args.steps, "epochs": 100, "micro_batch_size": micro, "global_batch_size": rows,
                  "precision": precision, "gradient_checkpointing": checkpointing, "threads": args.threads},
        "evaluate": {"every_steps": None}, "slurm": {"ranks_per_node": ranks}, "output_dir": str(args.work / "runs"),
    }
    adapter = textwrap.indent(section[0].read_text(), "  ") if section else \
        "  " + json.dumps({"r": r, "alpha": 2 * r, "target_modules": "all-linear"})
    path = args.work / f"check-{number:02}.yaml"
    lines = [f"{key}: {json.dumps(value)}" for key, value in content.items()]  # JSON is YAML
    path.write_text("\n".join([*lines, "adapter:", adapter]) + "\n")
    return path


def call(args, *words, measured: bool = False) -> str:
    command = (shlex.split(args.around) if measured else []) + [str(word) for word in words]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def train(args, number: int, file: Path, ranks: int, steps: int) -> dict:
    """Seconds of every step by the wall, processor seconds of the whole run, and the worker's own peak of memory."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    call(args, args.build / "bin/peft-studio", "train", file, "--ranks", ranks, "--set", f"train.max_steps={steps}", measured=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    [run] = (args.work / "runs").glob(f"check-{number:02}-*")
    records = [json.loads(line) for log in run.glob("attempts/0001/nodes/*.jsonl") for line in open(log)]
    took = [record["step_s"] for record in records if record["kind"] == "step"]
    [end] = [record for record in records if record["kind"] == "end"]
    if len(took) != steps:
        raise SystemExit(f"{run}: {len(took)} steps recorded, expected {steps}")
    shutil.rmtree(run)
    return {"steps": took, "peak": end["peak_memory_bytes"],
            "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime}


def measure(args, number: int, configuration) -> dict:
    file, ranks = recipe(args, number, configuration), configuration[1]
    began = time.monotonic()
    said = json.loads(call(args, args.build / "bin/peft-studio", "plan", file, "--machine", args.machine, "--json"))["prediction"]
    planned_in = time.monotonic() - began
    planned = said["sampled_steps_s"]
    long = train(args, number, file, ranks, args.steps)
    if args.clock == "cpu" and ranks == 1:
        # What the run of two steps takes less is the others': start, loading and saving are in both.
        short = train(args, number, file, ranks, 2)
        taken = (long["cpu"] - short["cpu"]) / (args.steps - 2)
        middle = statistics.fmean(planned[2:])
    else:  # steps differ in what they hold, so each is compared with its own prediction; the first one also warms up
        middle = statistics.median(planned[1:])
        taken = middle * statistics.median(took / plan for took, plan in zip(long["steps"][1:], planned[1:], strict=True))
    return {"planned_s": middle, "taken_s": taken, "planned_bytes": said["memory_bytes"]["peak"], "taken_bytes": long["peak"],
            "limit": said["memory_limit_bytes"], "fits": said["fits"], "planned_in_s": planned_in}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=lambda p: Path(p).absolute(), required=True)
    parser.add_argument("--work", type=lambda p: Path(p).absolute(), required=True)
    parser.add_argument("--machine", type=lambda p: Path(p).absolute(), help="a file of `probe`; absent: it is made now")
    parser.add_argument("--around", default="", help="command that runs each measurement, such as one that quiets the machine")
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall",
                        help="cpu: for one rank the processor's time, which counts on a machine that others use too")
    parser.add_argument("--threads", type=int, default=1, help="of a rank; configurations that then take more cores than there are "
                        "are left out")
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--slow-bf16", action="store_true",
                        help="keep bf16 where the CPU does not multiply it either, to see the memory; a step takes minutes")
    parser.add_argument("--families", action="store_true", help="12 configurations of six families other than llama")
    parser.add_argument("--methods", nargs="?", const="all", help="every adapter section of tests/fixtures/adapters, or those named "
                        "(without .yaml, with commas between), on two llamas: the memory is what counts")
    parser.add_argument("--only", type=int, nargs="+", help="numbers of configurations")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    cores = len(os.sched_getaffinity(0))
    if args.threads > cores:
        parser.error(f"--threads {args.threads} exceeds the {cores} cores here")
    if args.machine is None:
        args.machine = args.work / "machine.json"
        for ranks in (1, 2) if 2 * args.threads <= cores else (1,):
            print(call(args, args.build / "bin/peft-studio", "probe", "--ranks", ranks, "--threads", args.threads, "--output", args.machine,
                       "--folder", args.work, measured=True), end="", flush=True)

    configurations = method_configurations(args) if args.methods else FAMILY_CONFIGURATIONS if args.families else CONFIGURATIONS
    if not args.slow_bf16 and not json.loads(args.machine.read_text())["fast_bf16"]:  # libtorch multiplies bf16 in plain loops there: nobody trains so
        print("this CPU has neither avx512_bf16 nor AMX: the configurations in bf16 run in fp32")
        configurations = [tuple("fp32" if value == "bf16" else value for value in one) for one in configurations]
    threads = "one thread" if args.threads == 1 else f"{args.threads} threads"
    print(f"{platform.node()}: {os.cpu_count()} cores, {args.steps} steps each, {threads} a rank, {args.clock} time")
    print(f"{'':>3} {'model':<9} {'ranks':>5} {'r':>3} {'rows':>10} {'step':>4} {'':<5}{'ckpt':<5}{'pack':<5}"
          f"{'planned':>10} {'taken':>10} {'error':>8} {'planned':>10} {'taken':>10} {'error':>8}")
    times, memories, false_fits, slowest_plan = [], [], 0, 0.0
    for number, configuration in enumerate(configurations, 1):
        if args.only and number not in args.only:
            continue
        name, ranks, r, length, micro, rows, precision, checkpointing, packing, *section = configuration
        if ranks * args.threads > cores:
            print(f"{number:>3} {name:<9} {ranks:>5} left out: {ranks} ranks of {args.threads} threads on {cores} cores")
            continue
        got = measure(args, number, configuration)
        time_error = 100 * (got["planned_s"] / got["taken_s"] - 1)
        memory_error = 100 * (got["planned_bytes"] / got["taken_bytes"] - 1)
        times.append(abs(time_error))
        memories.append(abs(memory_error))
        false_fits += got["fits"] and got["taken_bytes"] > got["limit"] > 0
        slowest_plan = max(slowest_plan, got["planned_in_s"])
        print(f"{number:>3} {name:<9} {ranks:>5} {r or '':>3} {f'{micro} x {length}':>10} {rows:>4} {precision:<5}"
              f"{'yes' if checkpointing else 'no':<5}{'yes' if packing else 'no':<5}"
              f"{1e3 * got['planned_s']:>7.0f} ms {1e3 * got['taken_s']:>7.0f} ms {time_error:>+7.1f}% "
              f"{got['planned_bytes'] / 2**20:>6.0f} MiB {got['taken_bytes'] / 2**20:>6.0f} MiB {memory_error:>+7.1f}%{f'  {section[0].stem}' if section else ''}", flush=True)
    seen = {"median_time": statistics.median(times), "worst_time": max(times), "worst_memory": max(memories)}
    print(f"time: median error {seen['median_time']:.1f} %, worst {seen['worst_time']:.1f} %; peak memory: median "
          f"{statistics.median(memories):.1f} %, worst {seen['worst_memory']:.1f} %; {false_fits} that did not fit and were said to; "
          f"the slowest plan took {slowest_plan:.2f} s")
    promised = {"worst_memory": PROMISED["worst_memory"]} if args.methods else PROMISED
    misses = [f"{key} {seen[key]:.1f} > {most}" for key, most in promised.items() if seen[key] > most] + ["fits"] * bool(false_fits)
    if misses:
        print("MISSED: " + ", ".join(misses))
    return 1 if misses else 0


if __name__ == "__main__":
    sys.exit(main())
