# SPDX-License-Identifier: Apache-2.0
"""Rows of record_fixtures.py: PEFT's methods, each on llama; some on families whose layers are made in another way."""
from fixture_peft import LINEARS
from peft import LoHaConfig, LoKrConfig, VeraConfig

SOME = ["q_proj", "v_proj", "down_proj"]  # wide, narrow, and of another width


def config_of(kind, targets=SOME, **changes):
    return kind(**{"target_modules": targets, "task_type": "CAUSAL_LM"} | changes)


ADAPTERS = {  # (model, name): config
    ("llama", "loha"): config_of(LoHaConfig, LINEARS, r=3, alpha=5),
    ("llama", "lokr"): config_of(LoKrConfig, LINEARS, r=3, alpha=5),
    ("llama", "lokr_factors"): config_of(LoKrConfig, r=1, alpha=2, decompose_both=True, decompose_factor=8),
    ("llama", "vera"): config_of(VeraConfig, LINEARS, r=5, projection_prng_key=3),
    ("llama", "vera_by_key"): config_of(VeraConfig, r=5, projection_prng_key=11, save_projection=False),
}
