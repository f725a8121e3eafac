#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Records the starts of LoRA that PEFT finds in data, on the recorded model `llama`: the fixtures of tests/fixtures/starts.

    record_starts.py tests/fixtures [NAME...]

Writes tests/fixtures/starts/<name>.safetensors for each row of CASES; tests/fixtures/README.md says what a file holds. Runs on one
thread with instructions that every x86-64 server has. Needs the packages of tools/lib/peer_venv.sh.
"""
import dataclasses
import json
import os
import sys
import types
from pathlib import Path

FIXED = {"ATEN_CPU_CAPABILITY": "avx2", "MKL_CBWR": "COMPATIBLE", "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0", "HF_HUB_OFFLINE": "1"}
if any(os.environ.get(key) != value for key, value in FIXED.items()):
    os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | FIXED)

# PEFT's CorDA asks the package attrs, which nothing else here needs, for a dataclass.
sys.modules.setdefault("attr", types.SimpleNamespace(dataclass=dataclasses.dataclass))

import peft  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
from fixture_files import RECORDED_BY, random_of, save_record  # noqa: E402
from peft.tuners.lora.config import CordaConfig, LoraGAConfig  # noqa: E402
from peft.tuners.lora.corda import preprocess_corda  # noqa: E402
from peft.tuners.lora.loraga import preprocess_loraga  # noqa: E402
from safetensors.torch import load_file  # noqa: E402
from torch.nn.functional import cross_entropy  # noqa: E402
from transformers import AutoModelForCausalLM  # noqa: E402

SOME = ["q_proj", "k_proj", "v_proj", "gate_proj", "down_proj"]  # inputs that layers share, and one that none does
OPTIMIZER = {"name": "adamw", "lr": 5e-3, "betas": [0.9, 0.99], "eps": 1e-5, "weight_decay": 0.01}
STEPS = 5
TOKENS = 24


def lora(init, **changes):
    return {"type": "lora", "r": 3, "alpha": 5, "target_modules": SOME, "init_lora_weights": init} | changes


CASES = {  # name: (the recipe's adapter section, batches, rows of a batch)
    "eva": (lora("eva"), 3, 2),
    # No two that share an input: PEFT 0.21.2 divides their directions once for each of them.
    "eva_whiten": (lora("eva", target_modules=["q_proj", "gate_proj", "down_proj"], eva_config={"rho": 1.5, "tau": 0.9, "whiten": True, "use_label_mask": False}), 3, 2),
    "eva_rslora": (lora("eva", use_rslora=True, rank_pattern={"down_proj": 4}, eva_config={"adjust_scaling_factors": False}), 4, 2),
    "corda": (lora("corda"), 5, 1),
    "corda_kpm": (lora("corda", corda_config={"corda_method": "kpm"}), 5, 1),
    "lora_ga": (lora("lora_ga"), 4, 2),
    "lora_ga_alternating": (lora("lora_ga", lora_ga_config={"direction": "ArBr", "scale": "gd_scale"}), 2, 2),
    "lora_ga_first": (lora("lora_ga", lora_ga_config={"direction": "A2rBr", "scale": "weight_svd"}), 2, 2),
    "lora_ga_unit": (lora("lora_ga", use_rslora=True, lora_ga_config={"scale": "unit"}), 2, 1),
}


def peft_config(adapter):
    keys = {"alpha": "lora_alpha"}
    kinds = {"eva_config": peft.EvaConfig, "corda_config": CordaConfig, "lora_ga_config": LoraGAConfig}
    given = {keys.get(key, key): value for key, value in adapter.items() if key != "type"}
    given.setdefault(f"{given['init_lora_weights']}_config", {})
    given = {key: kinds[key](**value) if key in kinds else value for key, value in given.items()}
    return peft.LoraConfig(task_type="CAUSAL_LM", **given)


def draw_batches(name, count, rows, vocabulary):
    random = random_of(name)
    ids = torch.randint(vocabulary, (count, rows, TOKENS), generator=random)
    labelled = torch.rand(ids.shape, generator=random) < 0.6
    labelled[..., 0], labelled[..., -1] = False, True
    return ids, labelled


def as_inputs(ids, labelled):
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": torch.where(labelled, ids, -100)}


def adapted(model, config, batches):
    """PEFT's model at its start."""
    if config.init_lora_weights == "eva":
        model = peft.get_peft_model(model, config)
        peft.tuners.lora.eva.initialize_lora_eva_weights(model, batches, show_progress_bar=False)
        return model
    if config.init_lora_weights == "corda":
        preprocess_corda(model, config, run_model=lambda: [model(input_ids=batch["input_ids"]) for batch in batches])
    else:
        preprocess_loraga(model, config, lambda: [model(**batch).loss.backward() for batch in batches])
        model.eval()
    return peft.get_peft_model(model, config)


def train(model, documents):
    """The loss before each of some steps on all documents."""
    lengths, losses = documents["lengths"].tolist(), []
    trained = [value for value in model.parameters() if value.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=OPTIMIZER["lr"], betas=OPTIMIZER["betas"], eps=OPTIMIZER["eps"],
                                  weight_decay=OPTIMIZER["weight_decay"])
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = 0
        for ids, labelled in zip(documents["ids"].split(lengths), documents["labelled"].bool().split(lengths)):
            logits = model(input_ids=ids[None], use_cache=False).logits[0]
            loss = loss + cross_entropy(logits[:-1][labelled[1:]], ids[1:][labelled[1:]], reduction="sum")
        loss = loss / documents["labelled"].sum()
        loss.backward()
        losses.append(loss.item())
        optimizer.step()
    return torch.tensor(losses)


def record(folder, name, adapter, count, rows):
    model_folder = folder / "models/llama"
    config = peft_config(adapter)
    model = AutoModelForCausalLM.from_pretrained(model_folder, dtype=torch.float32, attn_implementation="eager").eval()
    ids, labelled = draw_batches(name, count, rows, model.config.vocab_size)
    torch.manual_seed(0)  # LoRA-GA draws its sketches from the default generator
    model = adapted(model, config, [as_inputs(*of) for of in zip(ids, labelled)])
    config = model.peft_config["default"]
    tensors = {f"start.{key}": value.detach().clone() for key, value in peft.get_peft_model_state_dict(model).items()}
    tensors |= {"ids": ids, "labelled": labelled.to(torch.uint8)}
    tensors["steps.loss"] = train(model, load_file(model_folder / "documents.safetensors"))
    save_record(folder / "starts" / f"{name}.safetensors", tensors, adapter=json.dumps(adapter, sort_keys=True),
                rank_pattern=json.dumps(config.rank_pattern, sort_keys=True),
                alpha_pattern=json.dumps(config.alpha_pattern, sort_keys=True), optimizer=json.dumps(OPTIMIZER),
                recorded_by=RECORDED_BY.replace("record_fixtures", "record_starts"))


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    folder = Path(sys.argv[1])
    (folder / "starts").mkdir(exist_ok=True)
    for name, case in CASES.items():
        if not sys.argv[2:] or name in sys.argv[2:]:
            print(name, flush=True)
            record(folder, name, *case)


main()
