#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`peft-studio adapter` next to PEFT and llama.cpp's converter, on recorded adapters.

    ways_out_check.py merge --program PEFT_STUDIO --fixtures tests/fixtures/models [PATTERN ...]
        merges every adapter that can be merged, and compares each value with PEFT's merge_and_unload: both are loaded by
        transformers, so that names are theirs. Prints the largest difference of a value, and of a logit
    ways_out_check.py combine --program PEFT_STUDIO --fixtures tests/fixtures/models
        adds two LoRA adapters of llama by cat, linear and svd, and compares the updates with those of add_weighted_adapter
    ways_out_check.py gguf --program PEFT_STUDIO --fixtures tests/fixtures/models --llama-cpp DIR [PATTERN ...]
        exports every plain LoRA adapter, and compares names and values with what convert_lora_to_gguf.py of a checkout of
        llama.cpp writes; the sdist of llama-cpp-python holds one, in vendor/llama.cpp

Exit status 1 when a value differs by more than f32 rounding explains. Needs what tools/lib/peer_venv.sh installs; `gguf`
also needs the package of that name.
"""
import argparse
import fnmatch
import json
import logging
import os
import runpy
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
import torch  # noqa: E402
from safetensors.torch import load_file  # noqa: E402

warnings.simplefilter("ignore")
MOST = 2e-6  # of values of about one, in f32
PROMPTS = ("PREFIX_TUNING", "PROMPT_TUNING", "P_TUNING")


def run(program, *words):
    return subprocess.run([*program.split(), *map(str, words)], capture_output=True, text=True, check=False)


def cases(args):
    for config in sorted(args.fixtures.glob("*/*/adapter_config.json")):
        name = str(config.parent.relative_to(args.fixtures))
        if not args.patterns or any(fnmatch.fnmatch(name, pattern) for pattern in args.patterns):
            yield name, config.parent, json.loads(config.read_text())


def ids_of(model):
    ids = load_file(model / "documents.safetensors")["ids"]
    return ids[: min(len(ids), 12)].unsqueeze(0).long()


def logits_of(model, ids):
    with torch.no_grad():
        return model(input_ids=ids).logits.float()


def load(folder):
    from transformers import AutoModelForCausalLM
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()


def compare_merge(args):
    from peft import PeftModel
    worst, failures = 0.0, []
    for name, adapter, config in cases(args):
        if config["peft_type"] in PROMPTS:
            continue
        with tempfile.TemporaryDirectory() as work:
            ours = run(args.program, "adapter", "merge", adapter, f"{work}/merged", "--model", adapter.parent)
            if ours.returncode != 0:
                print(f"{name}: {ours.stderr.strip()}")
                failures.append(name)
                continue
            try:
                adapted = PeftModel.from_pretrained(load(adapter.parent), adapter).eval()
                ids = ids_of(adapter.parent)
                unmerged = logits_of(adapted, ids)
                theirs = adapted.merge_and_unload()
                mine = load(f"{work}/merged")
            except Exception as error:  # of another program
                print(f"{name}: PEFT: {type(error).__name__}: {str(error).splitlines()[0]}")
                continue
            state, other = mine.state_dict(), theirs.state_dict()
            apart = {key: (state[key].float() - value.float()).abs().max().item() for key, value in other.items() if key in state}
            if any("embed_tokens" in target for target in config.get("target_modules") or []) and theirs.config.tie_word_embeddings:
                apart.pop("lm_head.weight", None)  # PEFT's merge changes the tied head with the embedding, unlike its own forward
            most = max(apart, key=apart.get)
            logit = (logits_of(mine, ids) - unmerged).abs().max().item()
            missing = sorted(set(other) ^ set(state))
            print(f"{name}: values {apart[most]:.1e} ({most}), logits against unmerged PEFT {logit:.1e}"
                  + (f", names {missing}" if missing else ""))
            worst = max(worst, apart[most])
            if apart[most] > MOST or missing:
                failures.append(name)
    print(f"worst difference of a value {worst:.1e}")
    return failures


def updates(folder):
    """alpha / r * B A by module."""
    config, tensors = json.loads((folder / "adapter_config.json").read_text()), load_file(folder / "adapter_model.safetensors")
    made = {}
    for key, a in tensors.items():
        if not key.endswith(".lora_A.weight"):
            continue
        module = key.removesuffix(".lora_A.weight")
        alpha = config["alpha_pattern"].get(module.removeprefix("base_model.model."), config["lora_alpha"])
        scale = alpha / (a.shape[0] ** 0.5 if config["use_rslora"] else a.shape[0])
        made[module] = scale * tensors[module + ".lora_B.weight"].double() @ a.double()
    return made


def compare_combine(args):
    from peft import PeftModel
    failures, base = [], args.fixtures / "llama"
    with tempfile.TemporaryDirectory() as work:
        for how, weights in (("cat", (0.7, -0.4)), ("linear", (0.7, 0.4)), ("svd", (0.7, -0.4))):
            model = PeftModel.from_pretrained(load(base), base / "lora", adapter_name="one")
            second = base / ("lora" if how == "linear" else "lora_rslora")  # whose rank is another
            model.load_adapter(second, adapter_name="two")
            model.add_weighted_adapter(["one", "two"], list(weights), "both", combination_type=how)
            model.save_pretrained(work, selected_adapters=["both"])
            ours = run(args.program, "adapter", "combine", f"{base / 'lora'}={weights[0]}", f"{second}={weights[1]}",
                       "--how", how, "--to", f"{work}/{how}")
            if ours.returncode != 0:
                print(f"{how}: {ours.stderr.strip()}")
                failures.append(how)
                continue
            mine, theirs = updates(Path(work) / how), updates(Path(work) / "both")
            apart = max((mine[key] - theirs[key]).abs().max().item() for key in theirs) if set(mine) == set(theirs) else 9.0
            print(f"{how}: updates {apart:.1e}, of values up to {max(v.abs().max().item() for v in theirs.values()):.2f}")
            if apart > 1e-5:
                failures.append(how)
    return failures


def read_gguf(file):
    import gguf
    reader = gguf.GGUFReader(file)
    fields = {key: reader.get_field(key).contents() for key in
              ("general.architecture", "general.type", "adapter.type", "adapter.lora.alpha")}
    return fields, {tensor.name: torch.from_numpy(tensor.data.copy()).float() for tensor in reader.tensors}


def product(tensors, name):
    return tensors[name + ".lora_b"].double() @ tensors[name + ".lora_a"].double()


def converted(llama_cpp, adapter, out):
    """Runs llama.cpp's converter in this process, which has imported what it needs. Returns why it failed."""
    sys.path[:0] = [str(llama_cpp), str(llama_cpp / "gguf-py")]
    logging.disable(logging.CRITICAL)
    words, sys.argv = sys.argv, ["convert", str(adapter), "--base", str(adapter.parent), "--outfile", out, "--outtype", "f32"]
    try:
        runpy.run_path(str(llama_cpp / "convert_lora_to_gguf.py"), run_name="__main__")
    except SystemExit as stop:
        return "" if not stop.code else f"exit {stop.code}"
    except Exception as error:  # of another program
        return f"{type(error).__name__}: {error}"
    finally:
        sys.argv = words
        del sys.path[:2]
    return ""


def compare_gguf(args):
    sys.path.insert(0, str(args.llama_cpp / "gguf-py"))
    failures, equal = [], 0
    for name, adapter, config in cases(args):
        if config["peft_type"] != "LORA":
            continue
        with tempfile.TemporaryDirectory() as work:
            ours = run(args.program, "adapter", "export", adapter, f"{work}/ours.gguf", "--format", "gguf", "--model", adapter.parent)
            theirs = converted(args.llama_cpp, adapter, f"{work}/theirs.gguf")
            words = [("refused: " + ours.stderr.strip().splitlines()[0]) if ours.returncode else "",
                     ("refused: " + theirs[:150]) if theirs else ""]
            if any(words):
                print(f"{name}: ours {words[0] or 'written'}; llama.cpp's {words[1] or 'written'}")
                continue
            (my_fields, mine), (their_fields, them) = read_gguf(f"{work}/ours.gguf"), read_gguf(f"{work}/theirs.gguf")
            scaled = config.get("use_rslora") or config.get("alpha_pattern")  # which llama.cpp's converter does not look at
            names = sorted({key.rsplit(".", 1)[0] for key in them})
            apart = 9.0
            shapes = [f"{key} {tuple(mine[key].shape)} and {tuple(them[key].shape)}" for key in mine
                      if key in them and mine[key].shape != them[key].shape]
            if shapes:
                print(f"{name}: shapes differ, ours and llama.cpp's: {shapes[0]}")
                continue
            if set(mine) == set(them) and my_fields == their_fields:
                apart = max((product(mine, key) - product(them, key)).abs().max().item() for key in names)
            print(f"{name}: {len(names)} matrices, {my_fields['general.architecture']}, products differ by {apart:.1e}"
                  + (" (its scales are other ones than alpha / r)" if scaled else ""))
            equal += apart == 0
            if apart > 0 and not scaled:
                print(f"   only ours {sorted(set(mine) - set(them))[:4]}, only theirs {sorted(set(them) - set(mine))[:4]}, "
                      f"{my_fields}, {their_fields}")
                failures.append(name)
    print(f"{equal} adapters have the same names, metadata and values")
    return failures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["merge", "combine", "gguf"])
    parser.add_argument("--program", required=True)
    parser.add_argument("--fixtures", required=True, type=Path)
    parser.add_argument("--llama-cpp", type=Path)
    parser.add_argument("patterns", nargs="*")
    args = parser.parse_intermixed_args()
    failures = {"merge": compare_merge, "combine": compare_combine, "gguf": compare_gguf}[args.what](args)
    for name in failures:
        print(f"differs: {name}")
    sys.exit(1 if failures else 0)


main()
