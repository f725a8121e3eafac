#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the token ids of `model.tokenizer: transformers` with those of transformers' AutoTokenizer.

    tokenizer_pipeline_check.py TOKENIZE FOLDER ... [--texts N] [--seed S]
    tokenizer_pipeline_check.py --record OUT_DIR FIXTURE.json ...

TOKENIZE is the helper program built from tests/parity/tokenize_main.cpp. Each FOLDER has a tokenizer.json, whatever its
own class is: for every case below a copy of it gets the config.json and tokenizer_config.json of that case, and both sides
encode N mixtures of scripts, digits, white space and the folder's added tokens, without and with the tokens around a text.
Where transformers keeps the file, ours must too; where its class is not followed, ours must say so. Before that the table of
classes in src/families/tokenizer_classes.cpp is compared with what transformers has. Exits 1 where anything differs.
With --record it writes what transformers gives for the small tokenizers of tests/fixtures/tokenizer: the fixtures of
tests/unit/families.
Needs the packages of tools/lib/peer_venv.sh.
"""
import argparse
import json
import logging
import os
import pathlib
import re
import subprocess
import sys
import tempfile

os.environ["TRANSFORMERS_VERBOSITY"] = "error"
import transformers  # noqa: E402
from transformers import AutoTokenizer  # noqa: E402
from transformers.models.auto import tokenization_auto as auto  # noqa: E402
from transformers.tokenization_utils_tokenizers import TokenizersBackend  # noqa: E402

from tokenizer_check import mixtures  # noqa: E402

SOURCES = pathlib.Path(__file__).resolve().parents[2] / "src" / "families" / "tokenizer_classes.cpp"
BYTES = ("GPT2Tokenizer", "GPTNeoXTokenizer", "Qwen2Tokenizer", "CohereTokenizer", "Qwen3_5Tokenizer", "CodeGenTokenizer")


def cases(is_byte_level):
    """model_type, tokenizer_class and what else tokenizer_config.json says."""
    if is_byte_level:
        yield from (("llama", name, {}) for name in (*BYTES, "PreTrainedTokenizerFast"))
        yield "llama", "GPT2TokenizerFast", {"add_prefix_space": True}
        yield "llama", "LlamaTokenizerFast", {}
        yield "qwen2", "PreTrainedTokenizerFast", {}
        yield "qwen3", "PreTrainedTokenizerFast", {}
        yield "qwen3", "GPT2Tokenizer", {}
        yield "qwen3_5", "Qwen2Tokenizer", {}
        yield "mistral", "GPT2Tokenizer", {}
        yield "starcoder2", None, {}
        yield "smollm3", "RobertaTokenizer", {}
    else:
        yield "llama", "LlamaTokenizerFast", {}
        yield "llama", "LlamaTokenizer", {"legacy": False}
        yield "llama", "LlamaTokenizer", {"legacy": True}
        yield "llama", "LlamaTokenizer", {"legacy": None, "add_prefix_space": None}
        yield "llama", "LlamaTokenizer", {"add_prefix_space": False}
        yield "llama", "PreTrainedTokenizerFast", {}
        yield "gemma2", None, {}
        yield "gemma2", "GemmaTokenizerFast", {"pad_token": None}
        yield "mistral", "LlamaTokenizer", {}
        yield "phi3", "LlamaTokenizer", {}
        yield "llama", "CodeLlamaTokenizer", {}


def table_differs():
    """Rows of the two tables that transformers sees otherwise."""
    text = SOURCES.read_text(encoding="utf-8")
    wrong = []
    for model_type, name, counts in re.findall(r'Listed\{"(\w+)", (\w+|"\w+")(, true)?\}', text):
        theirs = auto.TOKENIZER_MAPPING_NAMES.get(model_type)
        name = "TokenizersBackend" if name == "kKeepsFile" else name.strip('"')
        if theirs == "MistralCommonBackend":
            theirs = "TokenizersBackend"  # as without the package mistral-common
        if theirs != name or bool(counts) != (model_type in auto.MODELS_WITH_INCORRECT_HUB_TOKENIZER_CLASS):
            wrong.append(f"{model_type}: {name}, in transformers {theirs}")
    own = re.search(r"kNotFollowed = \{(.*?)\};", text, re.S).group(1)
    listed = set(re.findall(r'"(\w+)"', own)) | set(re.findall(r'Followed\{"(\w+)"', text))
    for name in sorted(set(filter(None, auto.TOKENIZER_MAPPING_NAMES.values())) | {"CodeGenTokenizer", "LlamaTokenizer"}):
        found = auto.tokenizer_class_from_name(name)
        keeps = found is None or found is TokenizersBackend or "__init__" not in found.__dict__ and issubclass(found, TokenizersBackend)
        if not keeps and name.removesuffix("Fast") not in listed and name != "MistralCommonBackend":
            wrong.append(f"{name} is not in the tables")
    return wrong


def ours(args, folder, texts, *options):
    given = "".join(json.dumps(text) + "\n" for text in texts)
    answer = subprocess.run([args.tokenize, folder, "--transformers", *options], input=given, capture_output=True, text=True)
    if answer.returncode:
        return answer.stderr
    return [json.loads(line) for line in answer.stdout.splitlines()]


def lay_out(source, work, model_type, name, settings):
    """A folder of the case. @return its two configurations"""
    for old in work.iterdir():
        old.unlink()
    (work / "tokenizer.json").symlink_to((source / "tokenizer.json").resolve())
    for extra in ("special_tokens_map.json", "added_tokens.json"):
        if (source / extra).exists():
            (work / extra).symlink_to((source / extra).resolve())
    model_config = {"model_type": model_type}
    (work / "config.json").write_text(json.dumps(model_config))
    own = source / "tokenizer_config.json"
    config = json.loads(own.read_text(encoding="utf-8")) if own.exists() else {}
    for key in ("tokenizer_class", "legacy", "add_prefix_space", "auto_map", "sp_model_kwargs"):
        config.pop(key, None)
    config.update(settings)
    if name:
        config["tokenizer_class"] = name
    (work / "tokenizer_config.json").write_text(json.dumps(config))
    return model_config, config


def record(fixture, work, out):
    """What transformers gives for one small tokenizer, in all cases."""
    recorded = json.loads(fixture.read_text(encoding="utf-8"))
    source = work / "source"
    source.mkdir(exist_ok=True)
    (source / "tokenizer.json").write_text(json.dumps(recorded["tokenizer"]), encoding="utf-8")
    texts = [case["text"] for case in recorded["cases"]][:14] + [" 12 345 e\u0301<s>x</s> y", "<|endoftext|>a<pad> b\u0301"]
    cases_of_file = []
    (work / "folder").mkdir(exist_ok=True)
    for case in cases('"ByteLevel"' in json.dumps(recorded["tokenizer"])):
        config, tokenizer_config = lay_out(source, work / "folder", *case)
        theirs = AutoTokenizer.from_pretrained(str(work / "folder"))
        cases_of_file.append({"config": config, "tokenizer_config": tokenizer_config, "class": type(theirs).__name__,
                              "ids": theirs(texts, add_special_tokens=False)["input_ids"], "around": theirs(texts)["input_ids"]})
    lines = ",\n  ".join(json.dumps(case, ensure_ascii=False) for case in cases_of_file)
    (out / fixture.name).write_text(f'{{"recorded_by": "transformers {transformers.__version__}",\n "texts": '
                                    f"{json.dumps(texts)},\n \"cases\": [\n  {lines}]}}\n", encoding="utf-8")


def run_case(args, source, work, texts, model_type, name, settings):
    lay_out(source, work, model_type, name, settings)
    label = f"{source.name}: {model_type}, {name}" + "".join(f", {k} {v}" for k, v in settings.items())
    mine = ours(args, str(work), texts)
    if isinstance(mine, str):
        followed = "is not followed here" not in mine
        print(f"{label}: {'REFUSED ' if followed else 'not followed, and said so'}{mine.strip() if followed else ''}")
        return followed
    theirs = AutoTokenizer.from_pretrained(str(work))
    wanted = theirs(texts, add_special_tokens=False, verbose=False)["input_ids"]
    around = theirs(texts, verbose=False)["input_ids"]
    mine_around = ours(args, str(work), texts, "--special")
    file_ids = subprocess.run([args.tokenize, str(work)], input="".join(json.dumps(t) + "\n" for t in texts), capture_output=True, text=True)
    file_ids = [json.loads(line) for line in file_ids.stdout.splitlines()]
    wrong = [i for i in range(len(texts)) if mine[i] != wanted[i]]
    wrong_around = sum(a != b for a, b in zip(mine_around, around))
    other = sum(a != b for a, b in zip(wanted, file_ids))
    for i in wrong[:3]:
        print("   ", repr(texts[i])[:200], "\n     ours", theirs.convert_ids_to_tokens(mine[i])[:30], "\n     theirs", theirs.convert_ids_to_tokens(wanted[i])[:30])
    print(f"{label}: {type(theirs).__name__}; {len(texts) - len(wrong)} of {len(texts)} texts equal, {len(texts) - wrong_around} with the "
          f"tokens around; {other} have other ids than by the file")
    return bool(wrong or wrong_around)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("tokenize", help="with --record: one more fixture")
    options.add_argument("folders", nargs="*", type=pathlib.Path)
    options.add_argument("--record", type=pathlib.Path, metavar="OUT_DIR")
    options.add_argument("--texts", type=int, default=1000)
    options.add_argument("--seed", type=int, default=1)
    args = options.parse_args()
    logging.disable(logging.WARNING)
    if args.record:
        with tempfile.TemporaryDirectory() as work:
            for fixture in (pathlib.Path(args.tokenize), *args.folders):
                record(fixture, pathlib.Path(work), args.record)
        return 0
    wrong = table_differs()
    print("\n".join(wrong) if wrong else "the tables of classes are those of transformers")
    failed = len(wrong)
    with tempfile.TemporaryDirectory() as work:
        for folder in args.folders:
            described = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
            added = [token["content"] for token in described["added_tokens"]]
            texts = ["", *mixtures(args.texts - 1, args.seed, added)]
            is_byte_level = '"ByteLevel"' in json.dumps([described["pre_tokenizer"], described["decoder"]])
            for case in cases(is_byte_level):
                failed += run_case(args, folder, pathlib.Path(work), texts, *case)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
