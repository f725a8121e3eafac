#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the GGUF import of peft-studio with the PyPI packages `gguf` and `transformers`.

  gguf_check.py known-answers
      prints the constants of tests/unit/gguf/blocks_test.cpp: our test's pseudo-random blocks, unpacked by gguf-py
  gguf_check.py random --importer "peft-studio model import"
      writes small llama models with tensors of every block type from random block bytes, imports them, and compares every
      value, bit for bit, with gguf-py's dequantisation rounded to bf16
  gguf_check.py values FILE.gguf DIR
      DIR is what the import of FILE.gguf, a llama or a gemma 2 or 3, made: compares every value
  gguf_check.py model FILE.gguf DIR
      DIR is what the import of FILE.gguf made: compares every value; loads it with transformers; compares the logits with
      those of the gguf package's own float32 weights; lets it answer a question; looks at how numbers are cut into tokens

Needs: pip install gguf numpy torch transformers safetensors
"""
import argparse
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType as Type, GGUFReader, GGUFWriter
from gguf.quants import dequantize

TYPES = [Type.F32, Type.F16, Type.BF16, Type.Q8_0, Type.Q4_0, Type.Q4_1, Type.Q5_0, Type.Q5_1, Type.Q4_K, Type.Q5_K, Type.Q6_K,
         Type.MXFP4]
# Byte offsets of the float16 scales in a block. They are kept finite; every other byte is random.
SCALES = {Type.Q8_0: [0], Type.Q4_0: [0], Type.Q4_1: [0, 2], Type.Q5_0: [0], Type.Q5_1: [0, 2], Type.Q4_K: [0, 2],
          Type.Q5_K: [0, 2], Type.Q6_K: [208], Type.F16: [0]}
LAYER_NAMES = {"input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
               "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "post_attention_layernorm": "ffn_norm",
               "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}
GEMMA_NAMES = {"post_attention_layernorm": "post_attention_norm", "pre_feedforward_layernorm": "ffn_norm",
               "post_feedforward_layernorm": "post_ffw_norm", "self_attn.q_norm": "attn_q_norm",
               "self_attn.k_norm": "attn_k_norm"}


def test_blocks(kind, blocks):
    """The bytes that blocks_test.cpp makes: a linear congruential generator, scales with an exponent near one."""
    size = GGML_QUANT_SIZES[kind][1]
    state, data = 12345 + int(kind), bytearray()
    for _ in range(size * blocks):
        state = (state * 1103515245 + 12345) % 2**32
        data.append(state >> 16 & 0xFF)
    for block in range(blocks):
        for at in SCALES.get(kind, []):
            data[block * size + at + 1] = data[block * size + at + 1] & 0x83 | 0x30
        if kind == Type.BF16:
            data[block * size + 1] = data[block * size + 1] & 0x80 | 0x3E
        if kind == Type.F32:
            data[block * size + 3] = data[block * size + 3] & 0x80 | 0x3E
    return np.frombuffer(bytes(data), np.uint8)


def unpack(data, kind):
    if kind == Type.F32:
        return data.view(np.float32)
    if kind == Type.F16:
        return data.view(np.float16).astype(np.float32)
    if kind == Type.BF16:
        return (data.view(np.uint16).astype(np.uint32) << 16).view(np.float32)
    return dequantize(data, kind)


def fnv1a(words):
    value = 14695981039346656037
    for word in words:
        value = (value ^ int(word)) * 1099511628211 % 2**64
    return value


def known_answers():
    for kind in TYPES:
        values = unpack(test_blocks(kind, 4), kind).reshape(-1)
        bits = values.view(np.uint32)
        print(f"{{BlockType::{kind.name.lower()}, 0x{fnv1a(bits):016x}ull, {{0x{bits[0]:08x}u, 0x{bits[len(bits) // 2]:08x}u, 0x{bits[-1]:08x}u}}}},")


def hugging_face_tensors(reader):
    """Name in Hugging Face's terms -> float32 values by gguf-py: of llama, rows of q and k back in Hugging Face's order; of
    gemma 2 and 3, norms less one."""
    architecture = reader.fields["general.architecture"].contents()
    gemma, heads = architecture.startswith("gemma"), {}
    if architecture == "llama":
        heads = {"attn_q": reader.fields["llama.attention.head_count"].contents(),
                 "attn_k": reader.fields["llama.attention.head_count_kv"].contents()}
    names = LAYER_NAMES | (GEMMA_NAMES if gemma else {})
    result = {}
    for tensor in reader.tensors:
        shape = [int(n) for n in reversed(tensor.shape)]
        values = dequantize(tensor.data, tensor.tensor_type).reshape(shape)
        parts = tensor.name.split(".")
        if gemma and parts[-2].endswith("norm"):
            values = values - np.float32(1)
        if parts[0] == "blk":
            if parts[2] in heads:
                n = heads[parts[2]]
                values = values.reshape(n, shape[0] // n // 2, 2, *shape[1:]).swapaxes(1, 2).reshape(shape)
            ours = next(k for k, v in names.items() if v == parts[2])
            name = f"model.layers.{parts[1]}.{ours}.{parts[3]}"
        else:
            name = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}[parts[0]] + "." + parts[1]
        result[name] = np.ascontiguousarray(values, dtype=np.float32)
    return result


def compare_values(gguf, folder):
    import torch
    from safetensors.torch import load_file

    expected, got = hugging_face_tensors(GGUFReader(gguf)), load_file(Path(folder) / "model.safetensors")
    if expected.keys() != got.keys():
        sys.exit(f"FAILED: other tensors: {sorted(expected.keys() ^ got.keys())}")
    for name, values in expected.items():
        want = torch.from_numpy(values.copy()).to(torch.bfloat16)
        if got[name].dtype != torch.bfloat16 or not torch.equal(want.view(torch.int16), got[name].view(torch.int16)):
            sys.exit(f"FAILED: {name} differs")
    count = sum(v.size for v in expected.values())
    print(f"ok: {len(expected)} tensors, {count:,} values equal to gguf-py's, rounded to bf16, bit for bit")
    return expected


def write_random_model(path, kind, rng):
    hidden, inner, layers, heads, kv_heads, vocab = 256, 512, 2, 4, 2, 320
    writer = GGUFWriter(path, "llama")
    writer.add_block_count(layers)
    writer.add_context_length(128)
    writer.add_embedding_length(hidden)
    writer.add_feed_forward_length(inner)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_layer_norm_rms_eps(1e-5)
    letters = [chr(0x100 + i) for i in range(256)]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(letters + [letters[0] + letters[1]])
    writer.add_token_types([1] * 257)
    writer.add_token_merges([f"{letters[0]} {letters[1]}"])

    def add(name, shape, kind):
        block, size = GGML_QUANT_SIZES[kind]
        blocks = int(np.prod(shape)) // block
        data = rng.integers(0, 256, (blocks, size), np.uint8)
        for at in SCALES.get(kind, []):
            data[:, at + 1] = data[:, at + 1] & 0x83 | 0x30
        if kind == Type.F32:
            data = rng.standard_normal(blocks).astype(np.float32).view(np.uint8)
        if kind == Type.BF16:
            data[:, 1] = data[:, 1] & 0x80 | 0x3E
        row = shape[-1] // block * size
        writer.add_tensor(name, data.reshape(*shape[:-1], row), raw_dtype=kind)

    add("token_embd.weight", [vocab, hidden], kind)
    add("output_norm.weight", [hidden], Type.F32)
    for i in range(layers):
        add(f"blk.{i}.attn_norm.weight", [hidden], Type.F32)
        add(f"blk.{i}.ffn_norm.weight", [hidden], Type.F32)
        for name, out, into in [("attn_q", hidden, hidden), ("attn_k", hidden // 2, hidden), ("attn_v", hidden // 2, hidden),
                                ("attn_output", hidden, hidden), ("ffn_gate", inner, hidden), ("ffn_up", inner, hidden),
                                ("ffn_down", hidden, inner)]:
            add(f"blk.{i}.{name}.weight", [out, into], kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def check_random(importer, seed):
    rng = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as scratch:
        for kind in TYPES:
            gguf, folder = Path(scratch) / f"{kind.name}.gguf", Path(scratch) / kind.name
            write_random_model(gguf, kind, rng)
            subprocess.run([*shlex.split(importer), str(gguf), str(folder)], check=True)
            print(f"{kind.name:5} ", end="")
            compare_values(gguf, folder)


def check_model(gguf, folder):
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    expected = compare_values(gguf, folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()

    text = "In 2024 it cost 1234.5 of 98,765"
    pieces = tokenizer.tokenize(text)
    if any(sum(c.isdigit() for c in piece) > 1 for piece in pieces):
        sys.exit(f"FAILED: digits stay together: {pieces}")
    if tokenizer.decode(tokenizer.encode(text, add_special_tokens=False)) != text:
        sys.exit("FAILED: encode and decode change the text")
    print(f"ok: digits are split one by one: {pieces}")

    chat = [{"role": "user", "content": "What is the capital of France?"}]
    inputs = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    with torch.no_grad():
        ours = model(**inputs).logits
        output = model.generate(**inputs, max_new_tokens=40, do_sample=False)
        weights = {name: torch.from_numpy(values) for name, values in expected.items()}
        missing, unexpected = model.load_state_dict(weights, strict=False)
        if unexpected or [name for name in missing if name != "lm_head.weight"]:
            sys.exit(f"FAILED: gguf's tensors do not fill the model: {missing} {unexpected}")
        theirs = model(**inputs).logits
    difference = (ours - theirs).abs().max().item() / theirs.abs().max().item()
    same = (ours.argmax(-1) == theirs.argmax(-1)).float().mean().item()
    print(f"logits: largest difference {difference:.2e} of the largest logit; same best token at {same:.1%} of the places")
    if difference > 0.03:
        sys.exit("FAILED: rounding weights to bf16 explains about 0.01, not more")
    answer = tokenizer.decode(output[0][inputs["input_ids"].shape[1]:])
    print("answer:", answer)
    if "Paris" not in answer:
        sys.exit("FAILED: that is no answer")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("known-answers")
    random = commands.add_parser("random")
    random.add_argument("--importer", required=True, help="command that takes FILE.gguf and DIR")
    random.add_argument("--seed", type=int, default=1)
    for name in ("values", "model"):
        command = commands.add_parser(name)
        command.add_argument("gguf")
        command.add_argument("folder")
    arguments = parser.parse_args()
    if arguments.command == "known-answers":
        known_answers()
    elif arguments.command == "random":
        check_random(arguments.importer, arguments.seed)
    elif arguments.command == "values":
        compare_values(arguments.gguf, arguments.folder)
    else:
        check_model(arguments.gguf, arguments.folder)


if __name__ == "__main__":
    main()
