# SPDX-License-Identifier: Apache-2.0
"""What transformers + PEFT do with the same model, rows and adapter: the reference of the parity check."""

import math
from pathlib import Path

import torch
import torch.nn.functional as F
from peft import LoraConfig, PeftConfig, PeftModel, get_peft_model, load_peft_weights, set_peft_model_state_dict
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, get_cosine_schedule_with_warmup
from transformers.utils import logging

from chats import Encoded

logging.disable_progress_bar()

RANK, ALPHA = 16, 32


def load_base(model_dir: Path, quantisation: str = "none") -> torch.nn.Module:
    """@param quantisation none, nf4 (with double quantisation) or int8: what bitsandbytes makes of the weights."""
    options = {}
    if quantisation == "nf4":
        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=torch.float32)
    elif quantisation == "int8":
        options["quantization_config"] = BitsAndBytesConfig(load_in_8bit=True)
    model = AutoModelForCausalLM.from_pretrained(model_dir, dtype=torch.float32, attn_implementation="sdpa", **options)
    model.config.use_cache = False
    return model


def make_adapter(model_dir: Path, out: Path, seed: int) -> None:
    """A LoRA on all linears. B is not zero as it would be in life: then A would get no gradient in the first step, and
    a mistake in its backward would show late."""
    torch.manual_seed(seed)
    config = LoraConfig(r=RANK, lora_alpha=ALPHA, lora_dropout=0.0, target_modules="all-linear", bias="none",
                        task_type="CAUSAL_LM")
    model = get_peft_model(load_base(model_dir), config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_A" in name:
                torch.nn.init.kaiming_uniform_(weight, a=math.sqrt(5))
            elif "lora_B" in name:
                torch.nn.init.normal_(weight, std=0.01)
    model.save_pretrained(out)


def batch_of(rows: list[Encoded]) -> dict[str, torch.Tensor]:
    """Padded to the longest on the right; labels of everything not labelled are -100."""
    width = max(len(row.ids) for row in rows)
    ids = torch.zeros(len(rows), width, dtype=torch.long)
    mask = torch.zeros(len(rows), width, dtype=torch.long)
    labels = torch.full((len(rows), width), -100)
    for i, row in enumerate(rows):
        n = len(row.ids)
        ids[i, :n] = torch.tensor(row.ids)
        mask[i, :n] = 1
        labels[i, :n] = torch.tensor([token if on else -100 for token, on in zip(row.ids, row.labelled)])
    labels[:, 0] = -100  # nothing stands before the first token
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


def loss_sum(model: torch.nn.Module, rows: list[Encoded]) -> torch.Tensor:
    batch = batch_of(rows)
    logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    logits = logits[:, -batch["input_ids"].shape[1]:]  # learned rows of a prompt stand before the text's
    targets = batch["labels"][:, 1:]
    kept = targets != -100
    return F.cross_entropy(logits[:, :-1][kept].float(), targets[kept], reduction="sum")


def label_count(rows: list[Encoded]) -> int:
    return sum(sum(row.labelled[1:]) for row in rows)


@torch.no_grad()
def mean_loss(model: torch.nn.Module, rows: list[Encoded], micro: int = 4) -> float:
    model.eval()
    total = sum(loss_sum(model, rows[i:i + micro]).item() for i in range(0, len(rows), micro))
    return total / label_count(rows)


def loss_with_adapter(model_dir: Path, adapter: Path, rows: list[Encoded], quantisation: str = "none") -> float:
    return mean_loss(PeftModel.from_pretrained(load_base(model_dir, quantisation), adapter), rows)


def trainable(base: torch.nn.Module, adapter: Path) -> PeftModel:
    """The adapter as it was saved, to be trained on: PEFT refuses that where prompts are what is learned."""
    config = PeftConfig.from_pretrained(adapter)
    if not config.is_prompt_learning:
        return PeftModel.from_pretrained(base, adapter, is_trainable=True)
    config.inference_mode = False
    model = get_peft_model(base, config)
    set_peft_model_state_dict(model, load_peft_weights(adapter))
    return model


def train(model_dir: Path, adapter: Path, rows: list[Encoded], *, steps: int, batch: int, lr: float, warmup: int,
          out: Path, micro: int = 4, quantisation: str = "none") -> list[dict]:
    """Rows in file order, again from the start when they are through; the loss of a step is the mean over all labelled
    tokens of its rows, as in the Trainer of transformers since 4.46 (num_items_in_batch)."""
    model = trainable(load_base(model_dir, quantisation), adapter)
    model.train()
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0)
    schedule = get_cosine_schedule_with_warmup(optimizer, num_warmup_steps=warmup, num_training_steps=steps)
    records = []
    for step in range(steps):
        first = step * batch % len(rows)
        chosen = rows[first:first + batch]
        labelled, total = label_count(chosen), 0.0
        optimizer.zero_grad()
        for i in range(0, len(chosen), micro):
            loss = loss_sum(model, chosen[i:i + micro]) / labelled
            loss.backward()
            total += loss.item()
        norm = torch.nn.utils.clip_grad_norm_(trained, 1.0).item()
        records.append({"step": step + 1, "loss": total, "lr": schedule.get_last_lr()[0], "grad_norm": norm,
                        "labelled_tokens": labelled})
        optimizer.step()
        schedule.step()
    model.save_pretrained(out)
    return records
