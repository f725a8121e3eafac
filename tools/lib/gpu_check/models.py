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

LLAMA_70B = LLAMA_8B | {"hidden_size": 8192, "intermediate_size": 28672, "num_hidden_layers": 80, "num_attention_heads": 64}


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

    entries = {name: ("BF16", shape, _ones if len(shape) == 1 else _weights) for name, shape in tensors_of(config).items()}
    write_safetensors(folder / "model.safetensors", entries)
    return folder


def make_big_nf4(programs: Programs, folder: Path, sizes: dict) -> Path:
    """The same as make_big() in 4 bits, in bitsandbytes' layout: random codes, scales of about 0.02, quantised twice. For
    models that would take too long to quantise, or to write in full. The maps are those of a tiny model, quantised."""
    plain = make_tiny(programs, folder.with_name(folder.name + "-tiny"))
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([str(programs.peft_studio), "model", "quantise", str(plain), str(folder), "--format", "nf4"],
                   env=programs.environment, check=True, capture_output=True)
    maps = read_tensors(next(folder.glob("*.safetensors")), "model.layers.0.self_attn.q_proj.weight.")
    config = json.loads((folder / "config.json").read_text())
    config.update(sizes)
    config["torch_dtype"] = "bfloat16"
    (folder / "config.json").write_text(json.dumps(config, indent=1))

    entries = {}
    for name, shape in tensors_of(config).items():
        if len(shape) == 1 or "layers" not in name:
            entries[name] = ("BF16", shape, _ones if len(shape) == 1 else _weights)
            continue
        count = shape[0] * shape[1]
        blocks = -(-count // 64)
        state = json.dumps({"quant_type": "nf4", "blocksize": 64, "dtype": "bfloat16", "shape": shape, "nested_blocksize": 256,
                            "nested_dtype": "float32", "nested_offset": 0.02}).encode()
        entries |= {name: ("U8", [count // 2, 1], _codes), name + ".absmax": ("U8", [blocks], _codes),
                    name + ".quant_map": ("F32", [16], maps["quant_map"]),
                    name + ".nested_absmax": ("F32", [-(-blocks // 256)], _scales),
                    name + ".nested_quant_map": ("F32", [256], maps["nested_quant_map"]),
                    name + ".quant_state.bitsandbytes__nf4": ("U8", [len(state)], state)}
    write_safetensors(folder / "model.safetensors", entries)
    return folder


def read_tensors(path: Path, prefix: str) -> dict:
    """The bytes of tensors whose names begin so, by the rest of their names."""
    with open(path, "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(size))
        found = {}
        for name, entry in header.items():
            if name.startswith(prefix):
                begin, end = entry["data_offsets"]
                file.seek(8 + size + begin)
                found[name[len(prefix):]] = file.read(end - begin)
    return found


_ones = b"\x80\x3f" * (4 << 20)  # bfloat16
_scales = struct.pack("<f", 0.001) * 4096
_codes = os.urandom(8 << 20)
_block = bytearray(8 << 20)
_block[0::2] = os.urandom(4 << 20)
# The upper byte of a bfloat16: sign and most of the exponent, here of 2^-9 to 2^-6.
_block[1::2] = os.urandom(4 << 20).translate(bytes((0x3B, 0x3C, 0xBB, 0xBC)[b % 4] for b in range(256)))
_weights = bytes(_block)


def write_safetensors(path: Path, entries: dict):
    """@param entries  by name: dtype, shape, and bytes that are repeated to fill it"""
    header, at = {}, 0
    for name, (dtype, shape, _) in entries.items():
        size = {"U8": 1, "BF16": 2, "F32": 4}[dtype]
        for side in shape:
            size *= side
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}
        at += size
    if shutil.disk_usage(path.parent).free < at + (1 << 30):
        raise OSError(f"{path.parent} has no room for {at >> 30} GiB of weights; --work names another folder")
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        for name, (_, _, content) in entries.items():
            begin, end = header[name]["data_offsets"]
            size = end - begin
            while size > 0:
                out.write(memoryview(content)[:size])
                size -= min(size, len(content))
