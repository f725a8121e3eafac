# SPDX-License-Identifier: Apache-2.0
"""Runs `peft-studio` on the same thing, and reads what it left in the run directory."""

import json
import subprocess
from pathlib import Path

from peft_side import ALPHA, RANK


def write_recipe(path: Path, *, name: str, model: Path, data: Path, output_dir: Path, max_length: int = 2048,
                 adapter: Path | None = None, validation: Path | None = None, quantisation: str = "none", **train) -> None:
    """JSON is YAML, so the recipe is written as JSON: no quoting to get wrong."""
    recipe = {
        "name": name,
        "model": {"path": str(model), "quantization": {"format": quantisation}},
        "adapter": {"type": "lora", "r": RANK, "alpha": ALPHA, "dropout": 0.0, "target_modules": "all-linear"},
        "data": {"train": [{"path": str(data), "format": "chat"}], "max_length": max_length, "packing": False,
                 "shuffle": False, "train_on": "assistant"},
        "output_dir": str(output_dir),
    }
    if adapter:
        recipe["adapter"]["init_from"] = str(adapter)
    if validation:
        recipe["data"]["validation"] = [{"path": str(validation), "format": "chat"}]
    if train:
        recipe["train"] = {"max_steps": train["steps"], "epochs": train["steps"], "micro_batch_size": min(4, train["batch"]),
                           "global_batch_size": train["batch"], "max_grad_norm": 1.0, "precision": "fp32",
                           "gradient_checkpointing": False, "device": "cpu"}
        recipe["optimizer"] = {"name": "adamw", "lr": train["lr"], "betas": [0.9, 0.999], "eps": 1e-8,
                               "weight_decay": 0.0}
        recipe["scheduler"] = {"name": "cosine", "warmup_steps": train["warmup"]}
        recipe["evaluate"] = {"every_steps": None}
    path.write_text(json.dumps(recipe, indent=2) + "\n", encoding="utf-8")


def run_program(program: Path, *arguments: str) -> str:
    done = subprocess.run([program, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{program.name} {' '.join(arguments)}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def only_run(output_dir: Path) -> Path:
    runs = [run for run in output_dir.iterdir() if (run / "run.json").exists()]
    if len(runs) != 1:
        raise SystemExit(f"{output_dir}: {len(runs)} runs, expected one")
    return runs[0]


def step_records(run: Path) -> list[dict]:
    """One record a step; of a step that was done again after a fault the later one."""
    records = {}
    for log in sorted((run / "attempts").glob("*/nodes/*.jsonl")):
        with open(log, encoding="utf-8") as lines:
            records |= {record["step"]: record for line in lines if (record := json.loads(line)).get("kind") == "step"}
    return [records[step] for step in sorted(records)]


def completed(run: Path) -> dict:
    return json.loads((run / "completed.json").read_text(encoding="utf-8"))


def dumped_tokens(program: Path, recipe: Path) -> list[dict]:
    """`peft-studio data dump RECIPE`: one line {"ids": [...], "labelled": [...]} per training example, in file order."""
    return [json.loads(line) for line in run_program(program, "data", "dump", str(recipe)).splitlines()]
