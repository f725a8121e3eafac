# SPDX-License-Identifier: Apache-2.0
"""Configurations of PEFT's methods for record_fixtures.py's tables: a function gives one with the defaults of our fixtures."""
from peft import IA3Config, LoraConfig

LINEARS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def lora(**changes):
    return LoraConfig(**{"r": 4, "lora_alpha": 6, "target_modules": LINEARS, "task_type": "CAUSAL_LM"} | changes)


def ia3(**changes):
    return IA3Config(**{"target_modules": ["k_proj", "v_proj", "down_proj"], "feedforward_modules": ["down_proj"],
                        "task_type": "CAUSAL_LM"} | changes)


def all_linear(**changes):
    """LoRA on what PEFT calls all-linear: every linear layer but the head. Not for KEPT_ONE_BY_ONE and gemma4, where it takes routers."""
    return lora(**{"r": 3, "lora_alpha": 5, "target_modules": "all-linear"} | changes)


# Families whose files keep each expert's matrices alone. In these PEFT takes any name that ends in gate_proj, up_proj or down_proj for the
# routed experts' parameters, with twice the rank for gate and up together; it has no name for their dense and shared MLPs.
KEPT_ONE_BY_ONE = ("mixtral", "qwen3_moe", "qwen3_next", "glm4_moe", "olmoe")
MLP_NAMES = ("gate_proj", "up_proj", "down_proj")


def attention(*more, **changes):
    """LoRA on attention and on `more`, ends of layers' names."""
    return lora(**{"r": 3, "lora_alpha": 5, "target_modules": ["q_proj", "k_proj", "v_proj", "o_proj", *more]} | changes)


def experts(parameters=("mlp.experts.gate_up_proj", "mlp.experts.down_proj"), **changes):
    """LoRA on the routed experts, which are parameters with three dimensions, and on the queries."""
    return lora(**{"r": 2, "lora_alpha": 5, "target_modules": ["q_proj"], "target_parameters": list(parameters)} | changes)
