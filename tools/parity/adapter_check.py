#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Do the adapters that we write load in PEFT, with the loss that we have with them? For every recorded model.

`train-recorded` trains an adapter on all linear layers of each model of tests/fixtures/models for two steps and writes it as a run does;
of a mixture of experts also one on the parameters that hold all experts (`<model>+experts`).
PEFT then loads the folder into transformers' model, and the losses are compared, as are the loss without the adapter, which has to be
another, and the names of the tensors. Python needs the packages of tools/lib/peer_venv.sh (.deps/parity).
With --methods MODEL it trains each adapter section of tests/fixtures/adapters on that model in place of that, and what PEFT warns of is wrong too,
unless it warns of its own adapter with the same config likewise. Nothing can be seen of BOFT with factors, which PEFT takes for one factor where
its CUDA code is not there, nor of an aLoRA that the documents do not invoke: such lines begin with "none".

  .deps/parity/bin/python tools/parity/adapter_check.py build/dev [--only 'gemma*']
"""
import argparse
import fnmatch
import json
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import peft
import torch
import transformers
from safetensors.torch import load_file

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "tests/fixtures/models"


def loss_of(model, documents):
    """Mean of -log p over all labelled tokens; each document alone."""
    of_poly = any(config.peft_type == peft.PeftType.POLY for config in getattr(model, "peft_config", {}).values())
    tasks = {"task_ids": torch.zeros(1, dtype=torch.long)} if of_poly else {}
    total, count, begin = 0.0, 0, 0
    for length in documents["lengths"].tolist():
        ids = documents["ids"][begin:begin + length].long()
        labelled = documents["labelled"][begin:begin + length].bool()
        begin += length
        with torch.no_grad():
            logits = model(ids[None], attention_mask=torch.ones_like(ids[None]), **tasks).logits[0][-length:].double()
        losses = torch.nn.functional.cross_entropy(logits[:-1], ids[1:], reduction="none")
        total += losses[labelled[1:]].sum().item()
        count += int(labelled[1:].sum())
    return total / count


def load(name):
    """Folders with an image tower as a whole: the names of their adapters' tensors are of its modules."""
    config = json.loads((MODELS / name / "config.json").read_text())
    auto = transformers.AutoModelForImageTextToText if "text_config" in config else transformers.AutoModelForCausalLM
    return auto.from_pretrained(MODELS / name, dtype=torch.float32, attn_implementation="eager").eval()


def loaded(base, folder):
    """The model with the adapter, and what PEFT warns of when it loads that."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", UserWarning)
        adapted = peft.PeftModel.from_pretrained(base, folder).eval()
    return adapted, [str(warning.message) for warning in told if issubclass(warning.category, (UserWarning, RuntimeWarning))]


class NothingSeen(Exception):
    """The check cannot be made here."""


def told_of_its_own(name, folder):
    """What PEFT warns of when it loads an adapter of its own with the config of the one in `folder`."""
    config = peft.PeftConfig.from_pretrained(folder)
    config.inference_mode = False
    with tempfile.TemporaryDirectory(prefix="pst-own-") as own:
        peft.get_peft_model(load(name), config).save_pretrained(own)
        return loaded(load(name), own)[1]


def check(folder, name, ours, silent=False):
    """(difference of the losses, how far the adapter moves the loss, what PEFT adapts besides); text where it does not load."""
    documents = load_file(MODELS / name / "documents.safetensors")
    invocation = json.loads((folder / "adapter_config.json").read_text()).get("alora_invocation_tokens")
    if invocation and not set(invocation) <= set(documents["ids"].tolist()):
        raise NothingSeen("the documents have no invocation")
    config = peft.PeftConfig.from_pretrained(folder)
    if config.peft_type == peft.PeftType.BOFT and config.boft_n_butterfly_factor > 1 and not torch.cuda.is_available():
        raise NothingSeen("PEFT takes boft_n_butterfly_factor for 1 without its CUDA code")
    own = told_of_its_own(name, folder) if silent else []  # first: some are told once
    base = load(name)
    without = loss_of(base, documents)
    adapted, told = loaded(base, folder)
    if silent and (more := set(told) - set(own)):
        return f"PEFT warns: {sorted(more)[0][:200]}"
    saved, there = set(load_file(folder / "adapter_model.safetensors")), set(peft.get_peft_model_state_dict(adapted))
    if saved - there:
        return f"tensors that PEFT does not take: {sorted(saved - there)[:3]}"
    return abs(loss_of(adapted, documents) - ours), abs(without - ours), len(there - saved)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=Path)
    parser.add_argument("--only", default="*", help="pattern of models' names")
    parser.add_argument("--methods", metavar="MODEL", help="each adapter section on this model; --only is then a pattern of the sections' names")
    parser.add_argument("--work", type=Path, help="folder to keep the adapters in; those of an earlier check there are taken as they are")
    parser.add_argument("--most", type=float, default=1e-4, help="that losses may differ")
    args = parser.parse_args()
    warnings.filterwarnings("ignore")
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="pst-adapters-") as temporary:
        work = args.work or Path(temporary)
        losses = work / "losses.txt"
        if not losses.exists():
            trained = subprocess.run([args.build / "bin/train-recorded", work] + ([args.methods] if args.methods else []), capture_output=True, text=True, check=False)
            if trained.returncode != 0:
                sys.exit(trained.stderr)
            losses.write_text(trained.stdout)
            sys.stderr.write(trained.stderr)
        wrong, worst = 0, (0.0, "")
        for line in losses.read_text().splitlines():
            name, loss = line.split()
            if not fnmatch.fnmatch(name, args.only):
                continue
            try:
                found = check(work / name, args.methods or name.removesuffix("+experts"), float(loss), bool(args.methods))
            except NothingSeen as reason:
                print(f"none  {name:<32} {reason}", flush=True)
                continue
            except Exception as error:  # whatever a library raises is the answer
                found = f"{type(error).__name__}: {str(error)[:200]}"
            good = not isinstance(found, str) and found[0] <= args.most < found[1]
            wrong += not good
            if not isinstance(found, str):
                worst = max(worst, (found[0], name))
                more = f"; PEFT has {found[2]} tensors more, which are not ours" if found[2] else ""
                found = f"losses differ by {found[0]:.1e}; without the adapter by {found[1]:.1e}{more}"
            print(f"{'ok   ' if good else 'WRONG'} {name:<32} {found}", flush=True)
    print(f"{wrong} wrong; the largest difference is {worst[0]:.1e} ({worst[1]}); peft {peft.__version__}, "
          f"transformers {transformers.__version__}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
