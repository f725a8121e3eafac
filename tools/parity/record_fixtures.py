#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Records what transformers, PEFT and torch make of tiny models and vectors: the fixtures of tests/parity.

    record_fixtures.py OUT_DIR

Writes OUT_DIR/models/<model>/, OUT_DIR/models/<model>/<adapter>/ and OUT_DIR/optim/. A row of MODELS, ADAPTERS, OPTIMIZERS or
SCHEDULES is one fixture; tests/fixtures/README.md says what the files hold. Everything that is drawn is drawn from the row's name, so
that a new row leaves the others' bytes alone.

Runs on one thread with instructions that every x86-64 server has, for sums depend on both: the same machine gives the same bytes again.
Needs the packages of tools/lib/peer_venv.sh.
"""
import json
import os
import shutil
import sys
import zlib
from pathlib import Path

# PYTHONHASHSEED: PEFT writes target_modules in the order of a Python set.
FIXED = {"ATEN_CPU_CAPABILITY": "avx2", "MKL_CBWR": "COMPATIBLE", "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0", "HF_HUB_OFFLINE": "1"}
if any(os.environ.get(key) != value for key, value in FIXED.items()):
    os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | FIXED)

import peft  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
from peft import IA3Config, LoraConfig  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from torch.nn.functional import cross_entropy  # noqa: E402
from transformers import AutoModelForCausalLM, LlamaConfig, MistralConfig  # noqa: E402

RECORDED_BY = (f"tools/parity/record_fixtures.py with torch {torch.__version__.split('+')[0]}, transformers {transformers.__version__}, "
               f"peft {peft.__version__}")

# Families ------------------------------------------------------------------------------------------------------------------------
SIZES = {"vocab_size": 91, "hidden_size": 32, "intermediate_size": 44, "num_hidden_layers": 2, "num_attention_heads": 4,
         "num_key_value_heads": 2, "max_position_embeddings": 512, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": None,
         "tie_word_embeddings": False}
LLAMA3_ROPE = {"rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
               "original_max_position_embeddings": 64}  # a head's four frequencies lie in all three of its ranges


def llama(**changes):
    return LlamaConfig(**SIZES | {"rms_norm_eps": 1e-5} | changes)


def mistral(**changes):
    return MistralConfig(**SIZES | {"rms_norm_eps": 1e-6} | changes)


MODELS = {  # name: (config, lengths of the documents)
    "llama": (llama(), (23, 9)),
    "llama_tied": (llama(tie_word_embeddings=True), (23, 9)),
    "llama_rope": (llama(rope_parameters=LLAMA3_ROPE), (60, 9)),
    "llama_biases": (llama(attention_bias=True, mlp_bias=True, num_hidden_layers=3), (9, 23)),
    "llama_head_dim": (llama(head_dim=10, rope_parameters={"rope_type": "default", "rope_theta": 500.0}), (23, 9)),
    "mistral": (mistral(sliding_window=None), (9, 40)),
    "mistral_window": (mistral(sliding_window=8), (40, 9)),
    # Longer than a block of keys (256) in kernels/attention.
    "mistral_long_window": (mistral(sliding_window=260, vocab_size=40, num_hidden_layers=1), (30, 300)),
}

# Methods -------------------------------------------------------------------------------------------------------------------------
LINEARS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def lora(**changes):
    return LoraConfig(**{"r": 4, "lora_alpha": 6, "target_modules": LINEARS, "task_type": "CAUSAL_LM"} | changes)


def ia3(**changes):
    return IA3Config(**{"target_modules": ["k_proj", "v_proj", "down_proj"], "feedforward_modules": ["down_proj"],
                        "task_type": "CAUSAL_LM"} | changes)


ADAPTERS = {  # (model, name): config
    ("llama", "lora"): lora(),
    ("llama", "lora_patterns"): lora(rank_pattern={"q_proj": 2, "layers.1.mlp.down_proj": 7},
                                     alpha_pattern={"v_proj": 3, "layers.0.mlp.up_proj": 12.5}),
    ("llama", "lora_rslora"): lora(use_rslora=True, rank_pattern={"k_proj": 2}),
    ("llama", "lora_some_layers"): lora(target_modules=["q_proj", "v_proj"], layers_to_transform=[1]),
    ("llama", "ia3"): ia3(),
    ("llama_tied", "lora"): lora(),
    ("llama_biases", "lora"): lora(),
    ("llama_biases", "ia3"): ia3(),
    ("mistral_window", "lora"): lora(),
    ("mistral_window", "ia3"): ia3(),
}

# Optimizers and schedules --------------------------------------------------------------------------------------------------------
OPTIMIZERS = {  # name: (torch's class, the recipe's `optimizer`, whose keys but for the name are the class's)
    "adamw": (torch.optim.AdamW, {"name": "adamw", "lr": 1e-2, "betas": [0.9, 0.95], "eps": 1e-8, "weight_decay": 0.1}),
    "adamw_plain": (torch.optim.AdamW, {"name": "adamw", "lr": 1e-3, "betas": [0.9, 0.999], "eps": 1e-6, "weight_decay": 0.0}),
    "sgd_plain": (torch.optim.SGD, {"name": "sgd", "lr": 0.1, "momentum": 0.0, "weight_decay": 0.0, "nesterov": False}),
    "sgd": (torch.optim.SGD, {"name": "sgd", "lr": 0.1, "momentum": 0.9, "weight_decay": 0.01, "nesterov": False}),
    "sgd_nesterov": (torch.optim.SGD, {"name": "sgd", "lr": 0.1, "momentum": 0.9, "weight_decay": 0.01, "nesterov": True}),
}
OPTIMIZER_STEPS, OPTIMIZER_VALUES = 6, 24
SCHEDULES = {  # name: (transformers' name, the recipe's `scheduler`)
    "constant": ("constant_with_warmup", {"name": "constant", "warmup_steps": 4}),
    "linear": ("linear", {"name": "linear", "warmup_steps": 4}),
    "linear_at_once": ("linear", {"name": "linear", "warmup_steps": 0}),
    "cosine": ("cosine", {"name": "cosine", "warmup_steps": 4}),
    "cosine_at_once": ("cosine", {"name": "cosine", "warmup_steps": 0}),
}
SCHEDULE_STEPS = 20


def random_of(name):
    return torch.Generator().manual_seed(zlib.crc32(name.encode()))


def save_record(path, tensors):
    """One key of metadata: safetensors writes several in an order of chance."""
    save_file({key: value.contiguous() for key, value in tensors.items()}, path, metadata={"recorded_by": RECORDED_BY})


@torch.no_grad()
def draw_weights(model, random):
    """Weights large enough that attention is far from uniform and logits far from flat; biases and norms that are not what they
    would be if nobody read them."""
    for name, weight in model.named_parameters():
        noise = torch.randn(weight.shape, generator=random)
        weight.copy_(1 + 0.2 * noise if "norm" in name else 0.2 * noise)


def draw_documents(lengths, vocab_size, random):
    """Ids and labels, laid end to end. The first token of a document is never a target, the last always is."""
    ids = torch.randint(vocab_size, (sum(lengths),), generator=random)
    labelled = torch.rand(sum(lengths), generator=random) < 0.6
    begin = 0
    for length in lengths:
        labelled[begin], labelled[begin + length - 1] = False, True
        begin += length
    return {"lengths": torch.tensor(lengths), "ids": ids, "labelled": labelled.to(torch.uint8)}


def logits_and_loss(model, documents):
    """Each document alone, as a batch of one; the mean of -log p over the labelled tokens of all."""
    lengths = documents["lengths"].tolist()
    logits, losses = [], []
    for ids, labelled in zip(documents["ids"].split(lengths), documents["labelled"].bool().split(lengths)):
        of_one = model(input_ids=ids[None], use_cache=False).logits[0]
        logits.append(of_one)
        losses.append(cross_entropy(of_one[:-1][labelled[1:]], ids[1:][labelled[1:]], reduction="sum"))
    return torch.cat(logits), sum(losses) / documents["labelled"].sum()


def record_model(name, config, lengths):
    random, out = random_of(name), Path(name)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32, attn_implementation="eager").eval()
    draw_weights(model, random)
    model.save_pretrained(out)
    (out / "generation_config.json").unlink()
    documents = draw_documents(lengths, config.vocab_size, random)
    with torch.no_grad():
        logits, loss = logits_and_loss(model, documents)
    save_record(out / "documents.safetensors", documents)
    save_record(out / "expected.safetensors", {"logits": logits, "loss": loss.reshape(1)})
    return documents


def record_adapter(model_name, name, config, documents):
    random, out = random_of(f"{model_name}/{name}"), Path(model_name) / name
    torch.manual_seed(random.initial_seed())  # what a method draws by itself
    model = AutoModelForCausalLM.from_pretrained(model_name, dtype=torch.float32, attn_implementation="eager")
    model = peft.get_peft_model(model, config).eval()
    trained = {key: value for key, value in model.named_parameters() if value.requires_grad}
    with torch.no_grad():  # no tensor stays where the method starts it: behind a zero, no gradient would be seen
        for value in trained.values():
            value.add_(0.2 * torch.randn(value.shape, generator=random))
    model.save_pretrained(out)
    (out / "README.md").unlink()
    logits, loss = logits_and_loss(model, documents)
    loss.backward()
    of_place = {value.data_ptr(): value for value in trained.values()}
    gradients = {f"gradient.{key}": of_place[value.data_ptr()].grad for key, value in peft.get_peft_model_state_dict(model).items()}
    assert len(gradients) == len(trained), "a trained tensor is not saved under a name of its own"
    save_record(out / "expected.safetensors", {"logits": logits.detach(), "loss": loss.detach().reshape(1)} | gradients)


def optimizers():
    random = random_of("optimizers")
    start = torch.randn(OPTIMIZER_VALUES, generator=random)
    gradients = torch.randn(OPTIMIZER_STEPS, OPTIMIZER_VALUES, generator=random)
    gradients[:, 5] = 0
    runs = {}
    for name, (make, recipe) in OPTIMIZERS.items():
        value = torch.nn.Parameter(start.clone())
        optimizer = make([value], foreach=False, **{key: setting for key, setting in recipe.items() if key != "name"})
        after = []
        for gradient in gradients:
            value.grad = gradient.clone()
            optimizer.step()
            after.append(value.tolist())
        runs[name] = {"recipe": recipe, "after": after}
    return {"recorded_by": RECORDED_BY, "start": start.tolist(), "gradients": gradients.tolist(), "runs": runs}


def schedules():
    runs = {}
    for name, (kind, recipe) in SCHEDULES.items():
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
        schedule = transformers.get_scheduler(kind, optimizer, num_warmup_steps=recipe["warmup_steps"],
                                              num_training_steps=SCHEDULE_STEPS)
        rates = []
        for _ in range(SCHEDULE_STEPS):
            rates += schedule.get_last_lr()
            optimizer.step()
            schedule.step()
        runs[name] = {"recipe": recipe, "rates": rates}
    return {"recorded_by": RECORDED_BY, "total_steps": SCHEDULE_STEPS, "runs": runs}


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    models, optim = (Path(sys.argv[1]).resolve() / name for name in ("models", "optim"))
    for folder in (models, optim):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    os.chdir(models)  # PEFT writes the base model's path as it is given: `llama`, not one of this machine
    documents = {name: record_model(name, *row) for name, row in MODELS.items()}
    for (model, name), config in ADAPTERS.items():
        record_adapter(model, name, config, documents[model])
    for name, record in (("optimizers", optimizers()), ("schedules", schedules())):
        (optim / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n")


main()
