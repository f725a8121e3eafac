# SPDX-License-Identifier: Apache-2.0
"""Rows of record_fixtures.py: the config.json that published folders have, as transformers 4 wrote it, beside the same weights."""

OLDER = {}  # name: (the model whose weights and expectations it has, what makes its config.json of the model's)
