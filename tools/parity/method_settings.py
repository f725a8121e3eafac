# SPDX-License-Identifier: Apache-2.0
"""The same method for both sides: a section of our recipe, and PEFT's config. One table for the programs that compare
the speed (tools/bench/methods) and the losses (tools/parity/epoch) of methods.

The values are PEFT's defaults where it has some that fit the model; targets are all linear layers but the head, unless
the method's own default is what people use.
"""

RANK, ALPHA = 16, 32
ALL = "all-linear"

# name: (adapter section of a recipe, PEFT's class, its arguments, learning rate)
METHODS = {
    "lora": ({"type": "lora", "r": RANK, "alpha": ALPHA, "target_modules": ALL},
             "LoraConfig", {"r": RANK, "lora_alpha": ALPHA, "target_modules": ALL}, 2e-4),
    "dora": ({"type": "lora", "r": RANK, "alpha": ALPHA, "target_modules": ALL, "use_dora": True},
             "LoraConfig", {"r": RANK, "lora_alpha": ALPHA, "target_modules": ALL, "use_dora": True}, 2e-4),
    "ia3": ({"type": "ia3"}, "IA3Config", {}, 5e-3),
    "vera": ({"type": "vera", "r": 256, "target_modules": ALL}, "VeraConfig", {"r": 256, "target_modules": ALL}, 4e-3),
    "loha": ({"type": "loha", "r": 8, "alpha": 8, "target_modules": ALL},
             "LoHaConfig", {"r": 8, "alpha": 8, "target_modules": ALL}, 5e-4),
    "lokr": ({"type": "lokr", "r": 8, "alpha": 8, "target_modules": ALL},
             "LoKrConfig", {"r": 8, "alpha": 8, "target_modules": ALL}, 1e-3),
    "oft": ({"type": "oft", "oft_block_size": 32, "target_modules": ALL},
            "OFTConfig", {"oft_block_size": 32, "target_modules": ALL}, 4e-4),
    "miss": ({"type": "miss", "r": 64, "target_modules": ALL}, "MissConfig", {"r": 64, "target_modules": ALL}, 2e-4),
    "prompt_tuning": ({"type": "prompt_tuning", "num_virtual_tokens": 20},
                      "PromptTuningConfig", {"num_virtual_tokens": 20}, 3e-2),
    "prefix_tuning": ({"type": "prefix_tuning", "num_virtual_tokens": 20},
                      "PrefixTuningConfig", {"num_virtual_tokens": 20}, 1e-2),
}


def ours(name: str) -> dict:
    return dict(METHODS[name][0])


def theirs(name: str):
    """PEFT's config of the method."""
    import peft
    _, kind, arguments, _ = METHODS[name]
    return getattr(peft, kind)(task_type="CAUSAL_LM", **arguments)


def learning_rate(name: str) -> float:
    return METHODS[name][3]
