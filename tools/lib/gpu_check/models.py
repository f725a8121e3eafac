# SPDX-License-Identifier: Apache-2.0
"""Models and texts that the check makes itself: tiny ones, and random weights in the shapes of an 8B llama."""

from __future__ import annotations

import json
import os
import random
import shutil
import struct
import subprocess
from pathlib import Path

from places import Programs

LLAMA_8B = {"hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32,
            "num_key_value_heads": 8, "head_dim": 128, "vocab_size": 128256, "max_position_embeddings": 8192,
            "rope_theta": 500000.0, "rms_norm_eps": 1e-5, "tie_word_embeddings": False}


def make_tiny(programs: Programs, folder: Path, **sizes) -> Path:
    arguments = [str(x) for pair in sizes.items() for x in ("--" + pair[0].replace("_", "-"), pair[1])]
    subprocess.run([str(programs.make_model), str(folder), *arguments], env=programs.environment, check=True,
                   capture_output=True)
    return folder


def write_chats(path: Path, count: int) -> Path:
    rows = [{"messages": [{"role": "user", "content": f"{i} plus {3 * i}?"},
                          {"role": "assistant", "content": f"it is {4 * i}"}]} for i in range(count)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def write_texts(path: Path, rows: int, words: int) -> Path:
    """Texts longer than a row of the benchmark, so that every row is full and every token labelled."""
    draw = random.Random(7)
    with open(path, "w", encoding="utf-8") as out:
        for _ in range(rows):
            text = " ".join("".join(draw.choices("abcdefghij", k=4)) for _ in range(words))
            out.write(json.dumps({"text": text}) + "\n")
    return path


def tensors_of(config: dict) -> dict:
    hidden, inner, heads = config["hidden_size"], config["intermediate_size"], config["num_attention_heads"]
    size, kv = config["head_dim"], config["num_key_value_heads"]
    shapes = {"model.embed_tokens.weight": [config["vocab_size"], hidden], "model.norm.weight": [hidden]}
    if not config["tie_word_embeddings"]:
        shapes["lm_head.weight"] = [config["vocab_size"], hidden]
    for layer in range(config["num_hidden_layers"]):
        at = f"model.layers.{layer}."
        shapes |= {at + "self_attn.q_proj.weight": [heads * size, hidden], at + "self_attn.k_proj.weight": [kv * size, hidden],
                   at + "self_attn.v_proj.weight": [kv * size, hidden], at + "self_attn.o_proj.weight": [hidden, heads * size],
                   at + "mlp.gate_proj.weight": [inner, hidden], at + "mlp.up_proj.weight": [inner, hidden],
                   at + "mlp.down_proj.weight": [hidden, inner], at + "input_layernorm.weight": [hidden],
                   at + "post_attention_layernorm.weight": [hidden]}
    return shapes


def make_big(programs: Programs, folder: Path, sizes: dict) -> Path:
    """Random bf16 weights of about 0.01 in the shapes of `sizes`, norms of 1; tokenizer and the rest of a tiny model. Zeros
    would do for the shapes, but a GPU clocks higher on them."""
    make_tiny(programs, folder)
    config = json.loads((folder / "config.json").read_text())
    config.update(sizes)
    config.pop("rope_scaling", None)
    (folder / "config.json").write_text(json.dumps(config, indent=1))
    for old in folder.glob("*.safetensors*"):
        old.unlink()

    shapes, header, at = tensors_of(config), {}, 0
    for name, shape in shapes.items():
        count = 1
        for side in shape:
            count *= side
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [at, at + 2 * count]}
        at += 2 * count
    if shutil.disk_usage(folder).free < at + (1 << 30):
        raise OSError(f"{folder} has no room for {at >> 30} GiB of weights; --work names another folder")
    low_bytes = os.urandom(4 << 20)
    # The upper byte of a bfloat16: sign and most of the exponent, here of 2^-9 to 2^-6.
    high_bytes = os.urandom(4 << 20).translate(bytes((0x3B, 0x3C, 0xBB, 0xBC)[b % 4] for b in range(256)))
    block = bytearray(8 << 20)
    block[0::2], block[1::2] = low_bytes, high_bytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(folder / "model.safetensors", "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        for name, entry in header.items():
            size = entry["data_offsets"][1] - entry["data_offsets"][0]
            if len(entry["shape"]) == 1:
                out.write(b"\x80\x3f" * (size // 2))
                continue
            while size > 0:
                out.write(memoryview(block)[:size])
                size -= min(size, len(block))
    return folder
