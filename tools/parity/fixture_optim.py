# SPDX-License-Identifier: Apache-2.0
"""The fixtures of optimizers and schedules: a row of OPTIMIZERS or SCHEDULES is one run."""
import importlib.metadata
import inspect
import json
import shutil
from pathlib import Path

import bitsandbytes
import peft
import schedulefree
import torch
import transformers
from fixture_files import RECORDED_BY, random_of, save_record
from peft.optimizers import create_loraplus_optimizer

MODELS = Path(__file__).resolve().parents[2] / "tests" / "fixtures" / "models"

SCHEDULE_FREE = importlib.metadata.version("schedulefree")
OPTIMIZERS = {  # name: (the peer's class, the recipe's `optimizer`, whose keys but for the name are the class's)
    "adamw": (torch.optim.AdamW, {"name": "adamw", "lr": 1e-2, "betas": [0.9, 0.95], "eps": 1e-8, "weight_decay": 0.1}),
    "adamw_plain": (torch.optim.AdamW, {"name": "adamw", "lr": 1e-3, "betas": [0.9, 0.999], "eps": 1e-6, "weight_decay": 0.0}),
    "sgd_plain": (torch.optim.SGD, {"name": "sgd", "lr": 0.1, "momentum": 0.0, "weight_decay": 0.0, "nesterov": False}),
    "sgd": (torch.optim.SGD, {"name": "sgd", "lr": 0.1, "momentum": 0.9, "weight_decay": 0.01, "nesterov": False}),
    "lion": (bitsandbytes.optim.Lion, {"name": "lion", "lr": 1e-2, "betas": [0.9, 0.99], "weight_decay": 0.1}),
    "lion_plain": (bitsandbytes.optim.Lion, {"name": "lion", "lr": 1e-3, "betas": [0.95, 0.98], "weight_decay": 0.0}),
    "schedule_free": (schedulefree.AdamWScheduleFree,
                      {"name": "schedule_free_adamw", "lr": 1e-2, "betas": [0.9, 0.95], "eps": 1e-8, "weight_decay": 0.1}),
    "adafactor": (transformers.Adafactor, {"name": "adafactor", "lr": 1e-2, "weight_decay": 0.1, "clip_threshold": 0.8,
                                           "scale_parameter": False, "relative_step": False}, (4, 6)),
    "adafactor_vector": (transformers.Adafactor, {"name": "adafactor", "lr": 1e-2, "decay_rate": -0.5, "scale_parameter": True,
                                                  "relative_step": False}),
    "adafactor_relative": (transformers.Adafactor, {"name": "adafactor", "scale_parameter": True, "relative_step": True}, (2, 3, 4)),
    "adafactor_warm": (transformers.Adafactor, {"name": "adafactor", "scale_parameter": False, "relative_step": True,
                                                "warmup_init": True}, (6, 4)),
    "muon": (torch.optim.Muon, {"name": "muon", "lr": 1e-2, "weight_decay": 0.1, "momentum": 0.95, "nesterov": True, "ns_steps": 5,
                                "adjust_lr_fn": "match_rms_adamw"}, (4, 6)),
    "muon_tall": (torch.optim.Muon, {"name": "muon", "lr": 1e-2, "weight_decay": 0.0, "momentum": 0.9, "nesterov": False, "ns_steps": 3,
                                     "adjust_lr_fn": "original"}, (8, 3)),
    "sgd_nesterov": (torch.optim.SGD, {"name": "sgd", "lr": 0.1, "momentum": 0.9, "weight_decay": 0.01, "nesterov": True}),
}
OPTIMIZER_STEPS, OPTIMIZER_VALUES = 6, 24
SCHEDULES = {  # name: (transformers' name, the recipe's `scheduler`)
    "constant": ("constant_with_warmup", {"name": "constant", "warmup_steps": 4}),
    "linear": ("linear", {"name": "linear", "warmup_steps": 4}),
    "linear_at_once": ("linear", {"name": "linear", "warmup_steps": 0}),
    "cosine": ("cosine", {"name": "cosine", "warmup_steps": 4}),
    "cosine_at_once": ("cosine", {"name": "cosine", "warmup_steps": 0}),
    "cosine_waves": ("cosine", {"name": "cosine", "warmup_steps": 3, "num_cycles": 1.25}),
    "constant_with_warmup": ("constant_with_warmup", {"name": "constant_with_warmup", "warmup_steps": 5}),
    "restarts": ("cosine_with_restarts", {"name": "cosine_with_restarts", "warmup_steps": 2, "num_cycles": 3}),
    "restarts_once": ("cosine_with_restarts", {"name": "cosine_with_restarts", "warmup_steps": 0}),
    "min_lr": ("cosine_with_min_lr", {"name": "cosine_with_min_lr", "warmup_steps": 4, "min_lr": 0.125}),
    "min_lr_rate": ("cosine_with_min_lr", {"name": "cosine_with_min_lr", "warmup_steps": 4, "min_lr_rate": 0.3, "num_cycles": 0.75}),
    "polynomial": ("polynomial", {"name": "polynomial", "warmup_steps": 4}),
    "polynomial_cubic": ("polynomial", {"name": "polynomial", "warmup_steps": 4, "lr_end": 0.1, "power": 3.0}),
    "inverse_sqrt": ("inverse_sqrt", {"name": "inverse_sqrt", "warmup_steps": 4}),
    "inverse_sqrt_at_once": ("inverse_sqrt", {"name": "inverse_sqrt", "warmup_steps": 0}),
    "inverse_sqrt_scaled": ("inverse_sqrt", {"name": "inverse_sqrt", "warmup_steps": 4, "timescale": 9}),
    "wsd": ("warmup_stable_decay", {"name": "warmup_stable_decay", "warmup_steps": 4, "num_decay_steps": 6}),
    "wsd_linear": ("warmup_stable_decay", {"name": "warmup_stable_decay", "warmup_steps": 4, "num_decay_steps": 6, "num_stable_steps": 5,
                                           "warmup_type": "cosine", "decay_type": "linear", "min_lr_ratio": 0.1}),
    "wsd_sqrt": ("warmup_stable_decay", {"name": "warmup_stable_decay", "warmup_steps": 4, "num_decay_steps": 12,
                                         "warmup_type": "1-sqrt", "decay_type": "1-sqrt", "min_lr_ratio": 0.05}),
    "wsd_waves": ("warmup_stable_decay", {"name": "warmup_stable_decay", "warmup_steps": 2, "num_decay_steps": 12, "num_cycles": 1.5}),
}
SCHEDULE_STEPS = 20


def optimizers():
    random = random_of("optimizers")
    start = torch.randn(OPTIMIZER_VALUES, generator=random)
    gradients = torch.randn(OPTIMIZER_STEPS, OPTIMIZER_VALUES, generator=random)
    gradients[:, 5] = 0
    runs = {}
    for name, (make, recipe, *shape) in OPTIMIZERS.items():
        shape = list(shape[0]) if shape else [OPTIMIZER_VALUES]
        value = torch.nn.Parameter(start.clone().view(shape))
        own = {key: setting for key, setting in recipe.items() if key != "name"}
        if "foreach" in inspect.signature(make).parameters:
            own["foreach"] = False
        optimizer = make([value], **own)
        if hasattr(optimizer, "train"):
            optimizer.train()
        after = []
        for gradient in gradients:
            value.grad = gradient.clone().view(shape)
            optimizer.step()
            after.append(value.flatten().tolist())
        runs[name] = {"recipe": recipe, "shape": shape, "after": after}
        if hasattr(optimizer, "eval"):
            optimizer.eval()
            runs[name]["averaged"] = value.flatten().tolist()
    return {"recorded_by": f"{RECORDED_BY}, bitsandbytes {bitsandbytes.__version__}, schedulefree {SCHEDULE_FREE}", "start": start.tolist(), "gradients": gradients.tolist(), "runs": runs}


def schedules():
    runs = {}
    for name, (kind, recipe) in SCHEDULES.items():
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
        own = {key: setting for key, setting in recipe.items() if key not in ("name", "warmup_steps")}
        schedule = transformers.get_scheduler(kind, optimizer, num_warmup_steps=recipe["warmup_steps"],
                                              num_training_steps=SCHEDULE_STEPS, scheduler_specific_kwargs=own)
        rates = []
        for _ in range(SCHEDULE_STEPS):
            rates += schedule.get_last_lr()
            optimizer.step()
            schedule.step()
        runs[name] = {"recipe": recipe, "rates": rates}
    return {"recorded_by": RECORDED_BY, "total_steps": SCHEDULE_STEPS, "runs": runs}


EIGHT_BIT = {"name": "adamw_8bit", "lr": 1e-2, "betas": [0.9, 0.95], "eps": 1e-8, "weight_decay": 0.1}
EIGHT_BIT_SHAPE, EIGHT_BIT_STEPS = (8, 550), 4  # 17 blocks and a part of one


def eight_bit():
    """bitsandbytes' AdamW with 8 bits on a CPU: the values after each step, and codes and scales after the last."""
    random = random_of("adamw_8bit")
    start = torch.randn(EIGHT_BIT_SHAPE, generator=random)
    gradients = torch.randn(EIGHT_BIT_STEPS, *EIGHT_BIT_SHAPE, generator=random) * torch.logspace(-4, 0, EIGHT_BIT_SHAPE[1])
    gradients.view(EIGHT_BIT_STEPS, -1)[:, 256:512] = 0  # a block without a gradient
    value = torch.nn.Parameter(start.clone())
    optimizer = bitsandbytes.optim.AdamW8bit([value], **{key: setting for key, setting in EIGHT_BIT.items() if key != "name"})
    after = []
    for gradient in gradients:
        value.grad = gradient.clone()
        optimizer.step()
        after.append(value.detach().clone())
    state = optimizer.state[value]
    return {"start": start, "gradients": gradients, "after": torch.stack(after),
            "exp_avg": state["state1"], "exp_avg_absmax": state["absmax1"],
            "exp_avg_sq": state["state2"], "exp_avg_sq_absmax": state["absmax2"]}


TARGETS = ["q_proj", "down_proj"]
GROUPS = {  # name: (the model, PEFT's configuration, the recipe's `optimizer`)
    "lora": ("llama", peft.LoraConfig(target_modules=TARGETS, lora_bias=True), {"lr": 1e-3, "weight_decay": 0.1}),
    "norms": ("llama", peft.LNTuningConfig(), {"lr": 1e-3, "weight_decay": 0.1}),
    "gpt2_norms": ("gpt2", peft.LNTuningConfig(target_modules=["ln_1", "ln_f"]), {"lr": 1e-3, "weight_decay": 0.1}),
    "loraplus": ("llama", peft.LoraConfig(target_modules=[*TARGETS, "embed_tokens"]),
                 {"lr": 1e-3, "loraplus_lr_ratio": 16.0, "loraplus_weight_decay": 0.1}),
    "loraplus_bias": ("llama", peft.LoraConfig(target_modules=TARGETS, lora_bias=True), {"lr": 1e-3, "loraplus_lr_ratio": 16.0, "loraplus_weight_decay": 0.1}),
    "loraplus_dora": ("llama", peft.LoraConfig(target_modules=TARGETS, use_dora=True),
                      {"lr": 2e-4, "loraplus_lr_ratio": 4.0, "loraplus_lr_embedding": 1e-5, "loraplus_weight_decay": 0.0}),
}


def groups():
    """What transformers' Trainer and PEFT's LoRA+ make of the tensors of an adapter: for each the rate and the decay."""
    runs = {}
    for name, (folder, config, recipe) in GROUPS.items():
        base = transformers.AutoModelForCausalLM.from_pretrained(MODELS / folder, dtype=torch.float32)
        model = peft.get_peft_model(base, config)
        if "loraplus_lr_ratio" in recipe:
            optimizer = create_loraplus_optimizer(model, torch.optim.SGD, **recipe)
        else:
            arguments = transformers.TrainingArguments(learning_rate=recipe["lr"], weight_decay=recipe["weight_decay"], use_cpu=True)
            optimizer = transformers.Trainer(model, arguments).create_optimizer()
        group_of = {id(value): group for group in optimizer.param_groups for value in group["params"]}
        tensors = {}
        for tensor, value in model.named_parameters():
            if not value.requires_grad:
                continue
            group = group_of[id(value)]
            ours = tensor.removeprefix("base_model.model.").replace(".default", "")
            tensors[ours] = {"shape": list(value.shape), "lr": group["lr"], "weight_decay": group["weight_decay"]}
        runs[name] = {"recipe": recipe, "tensors": tensors}
    return {"recorded_by": RECORDED_BY, "runs": runs}


def record(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, record in (("optimizers", optimizers()), ("schedules", schedules()), ("groups", groups())):
        (folder / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n")
    save_record(folder / "adamw_8bit.safetensors", eight_bit(), optimizer=json.dumps(EIGHT_BIT), bitsandbytes=bitsandbytes.__version__)
