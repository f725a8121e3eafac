# SPDX-License-Identifier: Apache-2.0
"""The sizes that the families' rows start from: small, and awkward where a family lets them be."""

TINY = {"vocab_size": 61, "hidden_size": 24, "intermediate_size": 20, "num_hidden_layers": 3, "num_attention_heads": 4,
        "num_key_value_heads": 2, "max_position_embeddings": 256, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": None}
WIDE_HEADS = {"head_dim": 10}  # four of them are wider than a hidden state
# With so small a base and such betas the blend's borders lie between the few frequencies of a small head, so that both betas, the original
# maximum and the rounding of the borders all count.
YARN = {"rope_type": "yarn", "rope_theta": 50.0, "factor": 4.0, "original_max_position_embeddings": 16, "beta_fast": 1.0,
        "beta_slow": 0.1}
BEYOND = (37, 9)  # lengths of documents: the first is beyond 16 positions, of which half are beyond them too


def config(kind, **changes):
    return kind(**TINY | changes)
