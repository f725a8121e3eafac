#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Records what transformers, PEFT and torch make of tiny models and vectors: the fixtures of tests/parity.

    record_fixtures.py OUT_DIR [PATTERN...]

Writes OUT_DIR/models/<model>/, OUT_DIR/models/<model>/<adapter>/ and OUT_DIR/optim/; with patterns ('qwen*') only the models whose names
match one, or adapters ('llama/vera*') of the models that are there, or `optim`, and leaves the rest as it is. A row of MODELS or ADAPTERS in a file fixture_*.py is one fixture; tests/fixtures/README.md says
what the files hold. Everything that is drawn is drawn from the row's name, so that a new row leaves the others' bytes alone.

Runs on one thread with instructions that every x86-64 server has, for sums depend on both: the same machine gives the same bytes again.
Needs the packages of tools/lib/peer_venv.sh.
"""
import json
import os
import shutil
import sys
from fnmatch import fnmatch
from pathlib import Path

# PYTHONHASHSEED: PEFT writes target_modules in the order of a Python set.
FIXED = {"ATEN_CPU_CAPABILITY": "avx2", "MKL_CBWR": "COMPATIBLE", "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0", "HF_HUB_OFFLINE": "1"}
if any(os.environ.get(key) != value for key, value in FIXED.items()):
    os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | FIXED)

import fixture_blocks  # noqa: E402
import fixture_dense  # noqa: E402
import fixture_layer_norms  # noqa: E402
import fixture_llama  # noqa: E402
import fixture_methods  # noqa: E402
import fixture_moe  # noqa: E402
import fixture_optim  # noqa: E402
import fixture_recurrent  # noqa: E402
import fixture_spellings  # noqa: E402
import peft  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
from fixture_files import random_of, save_record  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402
from torch.nn.functional import cross_entropy  # noqa: E402
from transformers import AutoModelForCausalLM, AutoModelForImageTextToText  # noqa: E402

# Their adapters are also trained for some steps.
FAMILIES = (fixture_dense, fixture_blocks, fixture_layer_norms, fixture_moe, fixture_recurrent)
MODELS = fixture_llama.MODELS | {name: row for family in FAMILIES for name, row in family.MODELS.items()}
ADAPTERS = {name: config for rows in (fixture_llama, fixture_methods, *FAMILIES) for name, config in rows.ADAPTERS.items()}

STEPS = 5
# An epsilon far above the noise of the gradients: with less, a value whose gradient is 0 but for rounding moves by lr.
OPTIMIZER = {"name": "adamw", "lr": 5e-3, "betas": [0.9, 0.99], "eps": 1e-5, "weight_decay": 0.01}


def model_class(config):
    return AutoModelForImageTextToText if hasattr(config, "vision_config") else AutoModelForCausalLM


def load(name):
    config = transformers.AutoConfig.from_pretrained(name)
    return model_class(config).from_pretrained(name, dtype=torch.float32, attn_implementation="eager").eval()


@torch.no_grad()
def draw_weights(model, random):
    """Weights large enough that attention is far from uniform and logits far from flat; biases and norms that are not what they
    would be if nobody read them. What transformers starts at one (a norm's weight) stays near one."""
    parameters = dict(model.named_parameters())
    buffers = {name: value for name, value in model.state_dict().items() if name not in parameters and value.is_floating_point()}
    places = {value.data_ptr() for value in parameters.values()}
    drawn = parameters | {name: value for name, value in buffers.items() if value.data_ptr() not in places}
    for weight in drawn.values():
        noise = torch.randn(weight.shape, generator=random)
        weight.copy_(1 + 0.2 * noise if (weight == 1).all() else 0.2 * noise)


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
    of_poly = any(config.peft_type == peft.PeftType.POLY for config in getattr(model, "peft_config", {}).values())
    tasks = {"task_ids": torch.zeros(1, dtype=torch.long)} if of_poly else {}
    logits, losses = [], []
    for ids, labelled in zip(documents["ids"].split(lengths), documents["labelled"].bool().split(lengths)):
        of_one = model(input_ids=ids[None], use_cache=False, **tasks).logits[0][-len(ids):]  # without those of virtual tokens
        logits.append(of_one)
        losses.append(cross_entropy(of_one[:-1][labelled[1:]], ids[1:][labelled[1:]], reduction="sum"))
    return torch.cat(logits), sum(losses) / documents["labelled"].sum()


def same_logits(name, model, documents, logits):
    again = logits_and_loss(model, documents)[0]
    worst = ((again - logits).abs().max() / logits.abs().max()).item()
    assert worst < 1e-6, f"{name}: what was saved gives other logits when it is loaded ({worst:.1e} of the largest)"


def record_model(name, config, lengths, repack=None):
    random, out = random_of(name), Path(name)
    model = model_class(config).from_config(config, dtype=torch.float32, attn_implementation="eager").eval()
    draw_weights(model, random)
    model.save_pretrained(out)
    (out / "generation_config.json").unlink(missing_ok=True)
    documents = draw_documents(lengths, config.get_text_config().vocab_size, random)
    if repack:
        repack(out, random)
        model = load(name)
    with torch.no_grad():
        logits, loss = logits_and_loss(model, documents)
        same_logits(name, load(name), documents, logits)
    save_record(out / "documents.safetensors", documents)
    save_record(out / "expected.safetensors", {"logits": logits, "loss": loss.reshape(1)})
    return documents


def train(model, documents):
    """Steps on all documents at once, from the adapter as it is saved. Nothing is clipped."""
    trained = [value for value in model.parameters() if value.requires_grad]
    optimizer = torch.optim.AdamW(trained, foreach=False, **{key: value for key, value in OPTIMIZER.items() if key != "name"})
    losses, norms = [], []
    choose = getattr(model.base_model, "update_and_allocate", lambda step: None)  # AdaLoRA's directions
    for step in range(1, STEPS + 1):
        optimizer.zero_grad()
        loss = logits_and_loss(model, documents)[1]
        loss.backward()
        losses.append(loss.detach())
        norms.append(torch.nn.utils.get_total_norm([value.grad for value in trained]))
        optimizer.step()
        choose(step)
    with torch.no_grad():
        logits_and_loss(model, documents)  # COFT changes its values where it computes with them
    return {"steps.loss": torch.stack(losses), "steps.grad_norm": torch.stack(norms)}


ENCODER = "base_model.model.prompt_encoder."  # before the names of what PEFT trains and does not save


def saved_parameters(model, trained):
    """The trained tensors by the names that their values have in the adapter's file; each once."""
    if model.peft_config["default"].is_prompt_learning:
        encoder = dict(model.prompt_encoder["default"].named_parameters())
        return {"prompt_embeddings": encoder["embedding.weight"]} if len(encoder) == 1 else {ENCODER + key: value for key, value in encoder.items()}
    of_place = {value.data_ptr(): value for value in trained.values()}
    saved = {}
    for key, value in sorted(peft.get_peft_model_state_dict(model).items(), reverse=True):
        if value.data_ptr() in of_place:
            saved[key] = of_place.pop(value.data_ptr())
    return saved


def record_adapter(model_name, name, config, documents):
    random, out = random_of(f"{model_name}/{name}"), Path(model_name) / name
    torch.manual_seed(random.initial_seed())  # what a method draws by itself
    model = peft.get_peft_model(load(model_name), config).eval()
    trained = {key: value for key, value in model.named_parameters() if value.requires_grad}
    with torch.no_grad():  # no tensor stays where the method starts it: behind a zero, no gradient would be seen
        for value in trained.values():
            value.add_(0.2 * torch.randn(value.shape, generator=random))
    model.save_pretrained(out)
    (out / "README.md").unlink()
    logits, loss = logits_and_loss(model, documents)
    loss.backward()
    saved = saved_parameters(model, trained)
    assert len(saved) == len(trained), "a trained tensor is not saved under a name of its own"
    record = {"logits": logits.detach(), "loss": loss.detach().reshape(1)}
    record |= {f"gradient.{key}": value.grad.clone() for key, value in saved.items()}
    record |= {key: value.detach().clone() for key, value in saved.items() if ENCODER in key}
    if (model_name, name) in fixture_llama.ADAPTERS:
        save_record(out / "expected.safetensors", record)
        return
    with torch.no_grad():
        same_logits(out, peft.PeftModel.from_pretrained(load(model_name), out), documents, record["logits"])
    if name == "experts":
        record_balance(out, model, documents)
    before = {name: value.detach().clone() for name, value in saved.items()}
    record |= train(model, documents)
    if (model_name, name) in fixture_methods.ADAPTERS:
        record |= {f"steps.moved.{name}": (saved[name] - value).detach() for name, value in before.items()}
    save_record(out / "expected.safetensors", record, optimizer=json.dumps(OPTIMIZER))


BALANCE = 0.5  # factor of the loss that balances experts: large enough to be seen in gradients


def record_balance(out, model, documents):
    """The loss that balances experts, of all documents as one batch, and the gradients of both losses together."""
    base = model.get_base_model()
    balance = getattr(sys.modules[type(base).__module__], "load_balancing_loss_func", None)
    if balance is None:
        return
    model.zero_grad()
    of_documents = [model(input_ids=ids[None], use_cache=False, output_router_logits=True).router_logits
                    for ids in documents["ids"].split(documents["lengths"].tolist())]
    logits = tuple(torch.cat(of_layer) for of_layer in zip(*of_documents))
    extra = balance(logits, logits[0].shape[-1], base.config.num_experts_per_tok)
    (logits_and_loss(model, documents)[1] + BALANCE * extra).backward()
    trained = {key: value for key, value in model.named_parameters() if value.requires_grad}
    save_record(out / "balance.safetensors", {"loss": extra.detach().reshape(1)} | {
        f"gradient.{key}": value.grad.clone() for key, value in saved_parameters(model, trained).items()})


def record_spelling(name, model, rewrite_config, rewrite_tensors):
    """The model's weights and expectations in a folder that says the same in other words."""
    out = Path(name)
    out.mkdir()
    for record in ("documents.safetensors", "expected.safetensors"):
        shutil.copyfile(Path(model) / record, out / record)
    config = rewrite_config(json.loads((Path(model) / "config.json").read_text()))
    (out / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    tensors = load_file(Path(model) / "model.safetensors")
    save_file(rewrite_tensors(tensors), out / "model.safetensors", metadata={"format": "pt"})
    with torch.no_grad():
        same_logits(name, load(name), load_file(out / "documents.safetensors"), load_file(out / "expected.safetensors")["logits"])


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    models, optim = (Path(sys.argv[1]).resolve() / name for name in ("models", "optim"))
    patterns = sys.argv[2:]
    wanted = lambda name: not patterns or any(fnmatch(name, pattern) for pattern in patterns)
    if not patterns:
        shutil.rmtree(models, ignore_errors=True)
    if not patterns or "optim" in patterns:
        fixture_optim.record(optim)
    models.mkdir(parents=True, exist_ok=True)
    os.chdir(models)  # PEFT writes the base model's path as it is given: `llama`, not one of this machine
    for (model, adapter), config in ADAPTERS.items():
        if any("/" in pattern and fnmatch(f"{model}/{adapter}", pattern) for pattern in patterns):
            print(f"{model}/{adapter}", flush=True)
            shutil.rmtree(Path(model) / adapter, ignore_errors=True)
            record_adapter(model, adapter, config, load_file(Path(model) / "documents.safetensors"))
    for name, row in MODELS.items():
        if not wanted(name):
            continue
        print(name, flush=True)
        shutil.rmtree(name, ignore_errors=True)
        documents = record_model(name, *row)
        for (model, adapter), config in ADAPTERS.items():
            if model == name:
                record_adapter(name, adapter, config, documents)
    for name, row in fixture_spellings.SPELLINGS.items():
        if wanted(name):
            print(name, flush=True)
            shutil.rmtree(name, ignore_errors=True)
            record_spelling(name, *row)


main()
