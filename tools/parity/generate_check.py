#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Greedy answers of `peft-studio infer` next to those of transformers' `generate`, token by token, on recorded models.

Each model gets random prompts of token ids. Ours are computed many at a time, theirs one by one. Where two answers part,
the gap of transformers' two best logits there is shown: below --tie it is a tie, above it a fault. Exit status 1 on one.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM

FAMILIES = ["llama", "gemma2", "qwen3", "phi3", "gpt2", "mixtral"]


def with_tokenizer(model: Path, folder: Path) -> Path:
    """The recorded model with a tokenizer that has a word for every id: they are recorded without one."""
    out = folder / model.name
    out.mkdir()
    for name in ("config.json", "model.safetensors"):
        (out / name).symlink_to((model / name).resolve())
    vocabulary = json.loads((model / "config.json").read_text())["vocab_size"]
    (out / "tokenizer.json").write_text(json.dumps({
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
        "pre_tokenizer": {"type": "WhitespaceSplit"}, "post_processor": None, "decoder": None,
        "model": {"type": "WordLevel", "vocab": {f"t{i}": i for i in range(vocabulary)}, "unk_token": "t0"}}))
    (out / "tokenizer_config.json").write_text("{}")
    return out


def ours(program: Path, model: Path, prompts: list[list[int]], length: int, together: int, folder: Path) -> list[list[int]]:
    source, target = folder / f"{model.name}.in.jsonl", folder / f"{model.name}.{together}.jsonl"
    source.write_text("".join(json.dumps({"prompt": ids, "max_tokens": length, "ignore_eos": True, "return_token_ids": True}) + "\n"
                              for ids in prompts))
    done = subprocess.run([program, "infer", "--model", model, "--input", source, "--output", target, "--together", str(together),
                           "--device", "cpu"], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{model}: exit status {done.returncode}\n{done.stdout}{done.stderr}\n{target.read_text()[:500] if target.exists() else ''}")
    return [json.loads(line)["response"]["body"]["choices"][0]["token_ids"] for line in open(target)]


@torch.no_grad()
def gap(model, prompt: list[int], answer: list[int]) -> float:
    """Between the two best logits behind the prompt and the answer so far."""
    best = model(torch.tensor([prompt + answer])).logits[0, -1].float().topk(2).values
    return (best[0] - best[1]).item()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=Path, required=True)
    parser.add_argument("--models", type=Path, default=Path(__file__).resolve().parents[2] / "tests/fixtures/models")
    parser.add_argument("--families", nargs="+", default=FAMILIES, help="folders of --models")
    parser.add_argument("--prompts", type=int, default=200)
    parser.add_argument("--length", type=int, default=24, help="tokens of an answer")
    parser.add_argument("--together", type=int, default=16)
    parser.add_argument("--tie", type=float, default=1e-3)
    args = parser.parse_args()
    faults = 0
    print(f"{'model':<16}{'prompts':>9}{'tokens':>9}{'equal':>9}{'ties':>7}{'faults':>8}")
    with tempfile.TemporaryDirectory() as folder:
        for family in args.families:
            recorded = args.models / family
            chance = random.Random(family)
            reference = AutoModelForCausalLM.from_pretrained(recorded, dtype=torch.float32, attn_implementation="eager").eval()
            longest = min(30, reference.config.max_position_embeddings - args.length)
            prompts = [[chance.randrange(reference.config.vocab_size) for _ in range(chance.randint(1, longest))]
                       for _ in range(args.prompts)]
            model = with_tokenizer(recorded, Path(folder))
            answers = ours(args.program.absolute(), model, prompts, args.length, args.together, Path(folder))
            equal = ties = bad = 0
            for prompt, answer in zip(prompts, answers, strict=True):
                ids = torch.tensor([prompt])
                theirs = reference.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=args.length, do_sample=False,
                                            eos_token_id=None, pad_token_id=0)[0, len(prompt):].tolist()
                at = next((i for i, (a, b) in enumerate(zip(theirs, answer)) if a != b), None)
                if at is None and len(theirs) == len(answer):
                    equal += 1
                    continue
                between = gap(reference, prompt, theirs[:at])
                is_tie = at is not None and between < args.tie
                ties, bad = ties + is_tie, bad + (not is_tie)
                print(f"  {family}: a prompt of {len(prompt)} tokens parts at token {at}: the gap is {between:.3g}")
            faults += bad
            print(f"{family:<16}{len(prompts):>9}{sum(map(len, answers)):>9}{equal:>9}{ties:>7}{bad:>8}", flush=True)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
