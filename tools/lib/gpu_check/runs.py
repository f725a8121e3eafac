# SPDX-License-Identifier: Apache-2.0
"""Runs of peft-studio: a recipe, the program, and what its run directory says afterwards."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from places import MemoryWatch, Programs


class Failed(Exception):
    """A part of the check did not pass."""


class TimeOver(Exception):
    """There was no time left for it."""


@dataclass
class Run:
    folder: Path
    steps: list  # the step records, by step
    seconds: float
    peak_gpu_bytes: int | None

    def losses(self) -> list:
        return [step["loss"] for step in self.steps]

    def adapter(self) -> str:
        return hashlib.sha256((self.folder / "adapter/adapter_model.safetensors").read_bytes()).hexdigest()

    def tokens_per_s(self, warmup: int) -> float:
        rates = sorted(step["tokens"] / step["step_s"] for step in self.steps[warmup:])
        return rates[len(rates) // 2]


def write_recipe(path: Path, folder: Path, rows: Path, **sections) -> Path:
    """JSON is YAML. `sections` are merged over what every run here has."""
    recipe = {
        "name": path.stem,
        "model": {"path": str(folder)},
        "adapter": {"type": "lora", "r": 8, "alpha": 16, "target_modules": "all-linear"},
        "data": {"train": [{"path": str(rows)}], "validation_fraction": 0, "max_length": 128},
        "train": {"epochs": 100, "micro_batch_size": 2, "global_batch_size": 4},
        "optimizer": {"lr": 1e-3},
        "checkpoint": {"every_steps": 1000},
        "output_dir": str(path.parent / "runs"),
    }
    for name, section in sections.items():
        recipe[name] = {**recipe.get(name, {}), **section}
    path.write_text(json.dumps(recipe, indent=1))
    return path


def newest_run(recipe: Path) -> Path | None:
    runs = [f for f in (recipe.parent / "runs").glob(f"{recipe.stem}-*") if f.is_dir()]
    return max(runs, key=lambda f: f.stat().st_mtime) if runs else None


def read_steps(run: Path) -> list:
    """Of all attempts; where one repeated steps, the last says."""
    steps = {}
    for file in sorted(run.glob("attempts/*/nodes/*.jsonl")):
        for line in file.read_text(errors="replace").splitlines():
            try:
                record = json.loads(line)
            except ValueError:
                continue  # the last line of one that was killed may be torn
            if record.get("kind") == "step":
                steps[record["step"]] = record
    return [steps[step] for step in sorted(steps)]


def workers_of(run: Path) -> list:
    """Process ids of the ranks that train `run`."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0].endswith(b"peft-studio-worker") and os.fsencode(run) in words:
            found.append(int(entry.name))
    return found


def train(programs: Programs, recipe: Path, deadline: float, kill_after_step: int | None = None) -> Run:
    """Trains to the end. With `kill_after_step` the ranks are killed, once, while they are held after that step."""
    memory, log = MemoryWatch(), recipe.with_suffix(".log")
    begin, killed = time.monotonic(), kill_after_step is None
    holds = recipe.with_suffix(".holds")
    holds.mkdir(exist_ok=True)
    hold, reached = holds / f"hold-{kill_after_step}", holds / f"reached-{kill_after_step}"
    if not killed:
        reached.unlink(missing_ok=True)
        hold.touch()
    with open(log, "w", encoding="utf-8") as out:
        child = subprocess.Popen([str(programs.peft_studio), "train", str(recipe)], stdout=out, stderr=subprocess.STDOUT,
                                 env={**programs.environment, "PEFT_STUDIO_TEST_HOLD": str(holds)}, stdin=subprocess.DEVNULL,
                                 start_new_session=True)
        try:
            while child.poll() is None:
                if time.monotonic() > deadline:
                    raise TimeOver(f"{recipe.stem} was not through in time")
                memory.look()
                if not killed and reached.exists():
                    for process in workers_of(newest_run(recipe)):
                        os.kill(process, signal.SIGKILL)
                        killed = True
                    hold.unlink()
                time.sleep(0.1)
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
    if child.returncode != 0:
        raise Failed(f"{recipe.stem} ended with status {child.returncode}: {last_error(log)}")
    if not killed:
        raise Failed(f"{recipe.stem} was through before it could be killed")
    run = newest_run(recipe)
    return Run(run, read_steps(run), time.monotonic() - begin, memory.peak)


def last_error(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    first = next((i for i, line in enumerate(lines) if line.startswith("error[")), max(0, len(lines) - 1))
    return " / ".join(lines[first:first + 2]) if lines else "it said nothing"
