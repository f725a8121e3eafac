#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One LoRA or QLoRA step of transformers + PEFT on random weights of the same shapes, as their users would run it. Prints one JSON
object. gpu-check starts it where Python has the packages."""

import argparse
import json
import statistics
import time

import torch
from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
from transformers import AutoConfig, AutoModelForCausalLM


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, help="folder with config.json; with --qlora also the weights")
    parser.add_argument("--length", type=int, required=True)
    parser.add_argument("--qlora", action="store_true")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--warmup", type=int, default=2)
    parser.add_argument("--steps", type=int, default=5)
    args = parser.parse_args()
    torch.manual_seed(1)

    if args.qlora:
        from transformers import BitsAndBytesConfig
        quantised = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True,
                                       bnb_4bit_compute_dtype=torch.bfloat16)
        model = AutoModelForCausalLM.from_pretrained(args.model, quantization_config=quantised, dtype=torch.bfloat16,
                                                     device_map={"": 0}, attn_implementation="sdpa")
        model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
    else:
        with torch.device(args.device):
            model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(args.model), dtype=torch.bfloat16,
                                                     attn_implementation="sdpa")
    model.config.use_cache = False
    model = get_peft_model(model, LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"))
    model.train()
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=2e-4, fused=True)
    ids = torch.randint(0, 200, (1, args.length), device=args.device)

    on_gpu = args.device != "cpu"
    seconds = []
    for _ in range(args.warmup + args.steps):
        begin = time.perf_counter()
        with torch.autocast(args.device, dtype=torch.bfloat16):
            loss = model(input_ids=ids, labels=ids).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if on_gpu:
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - begin)
    print(json.dumps({"tokens_per_s": args.length / statistics.median(seconds[args.warmup:]),
                      "peak_gpu_bytes": torch.cuda.max_memory_reserved() if on_gpu else None, "torch": torch.__version__}))


if __name__ == "__main__":
    main()
