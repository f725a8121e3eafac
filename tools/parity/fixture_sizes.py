# SPDX-License-Identifier: Apache-2.0
"""The sizes that the families' rows start from: small, and awkward where a family lets them be."""

TINY = {"vocab_size": 61, "hidden_size": 24, "intermediate_size": 20, "num_hidden_layers": 3, "num_attention_heads": 4,
        "num_key_value_heads": 2, "max_position_embeddings": 256, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": None}
WIDE_HEADS = {"head_dim": 10}  # four of them are wider than a hidden state
YARN = {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 4.0, "original_max_position_embeddings": 16, "beta_fast": 4.0,
        "beta_slow": 1.0}  # some frequencies lie in each part of the blend
BEYOND = (37, 9)  # lengths of documents: the first is beyond 16 positions, of which half are beyond them too


def config(kind, **changes):
    return kind(**TINY | changes)
