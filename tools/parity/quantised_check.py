#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`peft-studio model quantise` next to transformers + bitsandbytes, on a whole model.

    quantised_check.py --model DIR --program build/dev/bin/peft-studio --work NEW_DIR [--format nf4|int8] [--plain-scales]

1. Quantises the folder with ours, and with theirs (from_pretrained with a BitsAndBytesConfig): every tensor that both save is compared
   byte by byte. nested_offset and nested_absmax follow from a sum whose order is the machine's in torch: run under
   ATEN_CPU_CAPABILITY=avx2 OMP_NUM_THREADS=1 (this script sets both) they are equal too.
2. transformers loads our folder: its logits equal those of theirs.
3. `peft-studio model inspect` accepts what save_pretrained wrote.
Exit status 1 when anything differs. Needs what tools/lib/peer_venv.sh installs.
"""
import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

os.environ["ATEN_CPU_CAPABILITY"] = "avx2"
os.environ["OMP_NUM_THREADS"] = "1"
import torch  # noqa: E402
from safetensors import safe_open  # noqa: E402
from transformers import AutoModelForCausalLM, BitsAndBytesConfig  # noqa: E402

torch.set_num_threads(1)


def tensors_of(folder: Path) -> dict:
    found = {}
    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(file, "pt") as store:
            found |= {name: store.get_tensor(name) for name in store.keys()}
    return found


def same(name: str, ours: torch.Tensor, theirs: torch.Tensor) -> bool:
    if ".quant_state." in name:
        return all(json.loads(bytes(ours)).get(key) == value for key, value in json.loads(bytes(theirs)).items())
    return ours.dtype == theirs.dtype and ours.shape == theirs.shape and ours.flatten().view(torch.uint8).equal(
        theirs.flatten().view(torch.uint8)) if ours.dim() else ours.equal(theirs)


def main() -> int:
    parser = argparse.ArgumentParser()
    for option in ("model", "program", "work"):
        parser.add_argument(f"--{option}", type=Path, required=True)
    parser.add_argument("--format", choices=["nf4", "int8"], default="nf4")
    parser.add_argument("--plain-scales", action="store_true")
    args = parser.parse_args()
    args.work.mkdir(parents=True)
    ours, theirs = args.work / "ours", args.work / "theirs"

    options = ["--plain-scales"] if args.plain_scales else []
    subprocess.run([args.program, "model", "quantise", args.model, ours, "--format", args.format, *options], check=True)
    config = BitsAndBytesConfig(load_in_8bit=True) if args.format == "int8" else BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=not args.plain_scales,
        bnb_4bit_compute_dtype=torch.bfloat16)
    reference = AutoModelForCausalLM.from_pretrained(args.model, quantization_config=config, dtype="auto")
    reference.save_pretrained(theirs)

    mine, peers = tensors_of(ours), tensors_of(theirs)
    kinds, differing = {}, []
    for name, value in peers.items():
        kind = name.split("_proj.")[-1] if "_proj." in name else "others"
        good = name in mine and same(name, mine[name], value)
        kinds.setdefault(kind, [0, 0])[0 if good else 1] += 1
        if not good:
            differing.append(name)
    for kind, (equal, different) in sorted(kinds.items()):
        print(f"{kind:<50} {equal:>6} equal {different:>6} different")
    missing = sorted(set(mine) - set(peers))
    print(f"tensors only in ours: {missing[:3] if missing else 'none'}; different: {differing[:5] if differing else 'none'}")

    loaded = AutoModelForCausalLM.from_pretrained(ours, dtype="auto").eval()
    ids = torch.arange(1, 33).unsqueeze(0)
    with torch.no_grad():
        gap = (loaded(ids).logits - reference.eval()(ids).logits).abs().max().item()
    print(f"logits of our folder in transformers, largest difference from theirs: {gap}")
    subprocess.run([args.program, "model", "inspect", theirs], check=True)
    return 0 if not differing and not missing and gap == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
