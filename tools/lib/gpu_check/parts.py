# SPDX-License-Identifier: Apache-2.0
"""The parts of the check. Each returns its figures, or raises Skip with the reason, Failed, or TimeOver."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import models
import places
from runs import Failed, Run, TimeOver, train, write_recipe


class Skip(Exception):
    """Cannot be done here; why."""


@dataclass
class Check:
    programs: places.Programs
    work: Path
    rehearsal: bool  # everything on the CPU, with tiny shapes: tries this program and nothing else
    deadline: float  # of time.monotonic()
    python: str

    @property
    def device(self) -> str:
        return "cpu" if self.rehearsal else "cuda"

    def left(self) -> float:
        return self.deadline - time.monotonic()

    def run(self, words: list, log: str) -> tuple:
        """Exit status and output of a command, within the time."""
        if self.left() < 5:
            raise TimeOver("no time was left")
        try:
            done = subprocess.run([str(w) for w in words], env=self.programs.environment, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=self.left(), check=False)
        except subprocess.TimeoutExpired as late:
            (self.work / log).write_bytes(late.output or b"")
            raise TimeOver(f"{Path(words[0]).name} was not through in time") from None
        (self.work / log).write_bytes(done.stdout)
        return done.returncode, done.stdout.decode(errors="replace")


def test_program(check: Check) -> list:
    """The tests of kernels for GPUs, of which each runs on GPU 0 and on an emulated one."""
    program = check.programs.tests / "cuda_kernels_test"
    if program.exists():
        return [program, "--gtest_filter=*Arrays*/emulated" if check.rehearsal else "--gtest_filter=*/gpu"]
    if check.rehearsal and (check.programs.tests / "kernels_test").exists():
        return [check.programs.tests / "kernels_test"]
    raise Skip("cuda_kernels_test is not in here: this was built without CUDA")


def gtest(check: Check, words: list, name: str) -> dict:
    report = check.work / f"{name}.json"
    report.unlink(missing_ok=True)
    status, output = check.run([*words, f"--gtest_output=json:{report}"], f"{name}.log")
    if not report.exists():
        raise Failed(f"{Path(words[0]).name} ended with status {status}: {output.strip().splitlines()[-1:] or 'no word'}")
    cases = [case for suite in json.loads(report.read_text())["testsuites"] for case in suite["testsuite"]]
    failed = [f"{c['classname']}.{c['name']}" for c in cases if c.get("failures")]
    skipped = sum(c.get("result") == "SKIPPED" for c in cases)
    if failed or status != 0:
        raise Failed(f"{len(failed)} of {len(cases)} tests failed: {', '.join(failed[:4]) or f'status {status}'}")
    return {"tests": len(cases) - skipped, "skipped": skipped}


def kernels(check: Check) -> dict:
    figures = gtest(check, test_program(check), "kernels")
    if not check.rehearsal and figures["tests"] == 0:
        raise Failed("every test was skipped: kernels.log says why")
    return figures


def nccl(check: Check) -> dict:
    """The real NCCL on one GPU: a group of one, which is all that one GPU can hold."""
    program = check.programs.tests / "comm_nccl_test"
    if not program.exists():
        raise Skip("comm_nccl_test is not in here")
    if check.rehearsal:
        gtest(check, [program, "--gtest_filter=NcclApi.*"], "nccl")
        raise Skip("a rehearsal has no GPU for a group to be on")
    figures = gtest(check, [program, "--gtest_filter=RealGpu.*:*.TheReal*"], "nccl")
    if figures["skipped"]:
        raise Skip(f"{figures['skipped']} tests were skipped: nccl.log says why")
    return figures


def sanitizer(check: Check) -> dict:
    words = test_program(check)
    if check.rehearsal:
        raise Skip("a rehearsal has no kernels to look into")
    tool = places.sanitizer()
    if tool is None:
        raise Skip("compute-sanitizer is not installed")
    words[-1] += ":-*DocumentAttention*"  # cuDNN's kernels, and long sums in double to compare them with
    status, output = check.run([tool, "--tool", "memcheck", "--error-exitcode", "3", *words], "sanitizer.log")
    if status != 0:
        told = [line for line in output.splitlines() if "=========" in line]
        raise Failed(f"status {status}: {told[-1] if told else 'see sanitizer.log'}")
    if "PASSED  ] 0 tests" in output or "[  SKIPPED ]" in output:
        raise Failed("tests were skipped under it: sanitizer.log says why")
    return {"tool": "memcheck", "errors": 0}


def tiny(check: Check) -> tuple:
    model = check.work / "tiny"
    if not model.exists():
        models.make_tiny(check.programs, model)
    return model, models.write_chats(check.work / "chats.jsonl", 64)


def furthest(a: Run, b: Run) -> float:
    if len(a.losses()) != len(b.losses()):
        raise Failed(f"{len(a.losses())} steps on one side, {len(b.losses())} on the other")
    return max(abs(x - y) / max(abs(x), 1e-9) for x, y in zip(a.losses(), b.losses()))


def parity(check: Check, kept: str = "none", precision: str = "fp32", allowed: float = 1e-3) -> dict:
    """20 steps: every step's loss close to the CPU's, in f32 within 0.1 %, since sums are added in another order there and
    the differences pass through 20 updates. Twice on the GPU: the same bits.
    @param kept  the frozen base's format"""
    model, data = tiny(check)
    base = {"path": str(model), "quantization": {"format": kept}}
    same = {"precision": precision, "max_steps": 20, "threads": 1}

    def run(name: str, device: str) -> Run:
        recipe = write_recipe(check.work / f"parity-{kept}-{name}.yaml", model, data, model=base,
                              train={**same, "device": device})
        return train(check.programs, recipe, check.deadline)

    cpu, one, two = run("cpu", "cpu"), run("one", check.device), run("two", check.device)
    difference = furthest(cpu, one)
    if difference > allowed:
        raise Failed(f"a step's loss differs by {difference:.2e} of the CPU's; {allowed:.0e} is allowed")
    if one.adapter() != two.adapter():
        raise Failed("two runs on this GPU end with different adapters")
    return {"largest_loss_difference": difference, "repeats_its_bits": True, "last_loss": one.losses()[-1]}


def kill(check: Check) -> dict:
    """The ranks of a run are killed after step 12; it goes on from its newest checkpoint and ends with the same bits."""
    model, data = tiny(check)
    sections = {"train": {"device": check.device, "precision": "fp32", "max_steps": 40, "threads": 1},
                "checkpoint": {"every_steps": 5, "keep": 2}}
    whole = train(check.programs, write_recipe(check.work / "kill-not.yaml", model, data, **sections), check.deadline)
    broken = train(check.programs, write_recipe(check.work / "kill.yaml", model, data, **sections), check.deadline,
                   kill_after_step=12)
    attempts = len(list(broken.folder.glob("attempts/*")))
    if attempts < 2:
        raise Failed("the run that was to be killed made one attempt only")
    if whole.adapter() != broken.adapter():
        raise Failed("the run that was killed ends with another adapter")
    return {"attempts": attempts, "same_bits": True}


def bench_model(check: Check) -> Path:
    folder = check.work / ("tiny" if check.rehearsal else "llama-8b-shapes")
    if check.rehearsal:
        tiny(check)
    elif not (folder / "model.safetensors").exists():
        models.make_big(check.programs, folder, models.LLAMA_8B)
    return folder


def measured(check: Check, name: str, model: Path, kept: str, length: int, steps: int, rows: int) -> dict:
    """Rows of `length` tokens, packed full, r 16 on all linears, no recompute. @param rows  of a step; one at a time"""
    length = min(length, 64) if check.rehearsal else length
    texts = models.write_texts(check.work / f"texts-{length}.jsonl", 24, length)
    recipe = write_recipe(check.work / f"{name}.yaml", model, texts,
                          model={"path": str(model), "quantization": {"format": kept}},
                          adapter={"type": "lora", "r": 16, "alpha": 32, "target_modules": "all-linear"},
                          data={"train": [{"path": str(texts)}], "max_length": length, "validation_fraction": 0},
                          train={"device": check.device, "precision": "fp32" if check.rehearsal else "bf16",
                                 "max_steps": steps, "micro_batch_size": 1, "global_batch_size": rows,
                                 "gradient_checkpointing": False})
    ours = train(check.programs, recipe, check.deadline)
    return {"tokens_per_s": round(ours.tokens_per_s(warmup=2), 1), "start_to_end_s": round(ours.seconds, 1),
            "peak_gpu_bytes": ours.peak_gpu_bytes}


def bench(check: Check, kind: str, length: int) -> dict:
    model = bench_model(check)
    kept = {"lora": "none", "qlora": "nf4", "fp8": "fp8"}[kind]
    figures = measured(check, f"bench-{kind}-{length}", model, kept, length, steps=7, rows=2)
    return figures | peer(check, model, kind, min(length, 64) if check.rehearsal else length)


def large(check: Check) -> dict:
    """QLoRA of a 70B model's shapes on one GPU."""
    folder = check.work / ("tiny-nf4" if check.rehearsal else "llama-70b-shapes-nf4")
    if not (folder / "model.safetensors").exists():
        models.make_big_nf4(check.programs, folder, {"num_hidden_layers": 2} if check.rehearsal else models.LLAMA_70B)
    return measured(check, "qlora-70b", folder, "nf4", 2048, steps=5, rows=1)


def peer(check: Check, model: Path, kind: str, length: int) -> dict:
    if kind == "fp8":
        return {"peer": "PEFT has no FP8 base"}
    needed = ["torch", "transformers", "peft"] + (["bitsandbytes"] if kind == "qlora" else [])
    missing = [m for m in needed if not places.python_has(check.python, m)]
    if missing:
        return {"peer": f"not compared: {check.python} has no {', '.join(missing)}"}
    program = Path(__file__).with_name("peer.py")
    words = [check.python, program, "--model", model, "--length", length, "--device", check.device]
    status, output = check.run(words + (["--qlora"] if kind == "qlora" else []), f"peer-{kind}-{length}.log")
    try:
        told = json.loads(output.strip().splitlines()[-1])
    except (ValueError, IndexError):
        return {"peer": f"ended with status {status}: peer-{kind}-{length}.log"}
    return {"peer": "transformers + PEFT", "peer_tokens_per_s": round(told["tokens_per_s"], 1),
            "peer_peak_gpu_bytes": told["peak_gpu_bytes"], "peer_torch": told["torch"]}


PARTS = {"kernels": kernels, "nccl": nccl, "sanitizer": sanitizer, "parity": parity,
         "nf4": lambda check: parity(check, "nf4"),
         # A GPU that multiplies 8-bit floats quantises activations too, to 3 bits of mantissa; a CPU does not.
         "fp8": lambda check: parity(check, "fp8", "bf16", allowed=2e-2), "kill": kill}
for _kind in ("lora", "qlora", "fp8"):
    for _length in (2048, 4096):
        PARTS[f"{_kind}-{_length}"] = lambda check, kind=_kind, length=_length: bench(check, kind, length)
PARTS["qlora-70b"] = large
GROUPS = {"bench": [name for name in PARTS if "-" in name]}


def names_of(words: str) -> list:
    """The parts that --only names, in the order in which they run."""
    wanted = set()
    for word in filter(None, words.split(",")):
        if word not in PARTS and word not in GROUPS:
            sys.exit(f"gpu-check: there is no part {word!r}; the parts are {', '.join([*PARTS, *GROUPS])}")
        wanted.update(GROUPS.get(word, [word]))
    return [name for name in PARTS if name in wanted]
