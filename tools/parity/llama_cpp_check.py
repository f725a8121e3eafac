#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares our token ids of a GGUF file's vocabulary with llama.cpp's own.

    llama_cpp_check.py TOKENIZE FOLDER ... [--texts N] [--seed S]

TOKENIZE is the helper program built from tests/parity/tokenize_main.cpp. A FOLDER has a `vocab.gguf` and the tokenizer.json
that our import makes of it, as `vocabularies.py make` lays them out. N mixtures of scripts, digits, white space and added
tokens, and how the ids agree, without the tokens around a text. llama.cpp says no places. It composes no characters, and keeps its own
tables of Unicode and rules for added tokens, so a text may differ where `tokenizers` and ours agree: the first of those are shown. Prints a
line for each folder; exits 0 whatever they say, as no library is the judge here.
Needs the package llama-cpp-py-sync (tried: 0.11739), which brings llama.cpp built, or with --library that of xllamacpp (tried:
2026.10.11549), and `tokenizers`.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import unicodedata

from llama_cpp_py_sync._cffi_bindings import get_ffi, get_lib
from tokenizers import Tokenizer

from tokenizer_check import mixtures


class Vocabulary:
    def __init__(self, file, library):
        self.ffi = get_ffi()
        self.lib = self.ffi.dlopen(library) if library else get_lib()
        parameters = self.lib.llama_model_default_params()
        parameters.vocab_only = True
        self.model = self.lib.llama_model_load_from_file(str(file).encode(), parameters)
        if self.model == self.ffi.NULL:
            raise SystemExit(f"llama.cpp does not read {file}")
        self.vocab = self.lib.llama_model_get_vocab(self.model)

    def ids(self, text):
        given = text.encode()
        room = self.ffi.new("llama_token[]", len(given) + 16)
        count = self.lib.llama_tokenize(self.vocab, given, len(given), room, len(given) + 16, False, True)
        return list(room[0:count])


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("tokenize")
    options.add_argument("folders", nargs="+", type=pathlib.Path)
    options.add_argument("--texts", type=int, default=3000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--show", type=int, default=2, help="so many texts that differ")
    options.add_argument("--library", help="another libllama: xllamacpp's *.so, where that of llama-cpp-py-sync asks for a newer libc")
    args = options.parse_args()
    for folder in args.folders:
        reference = Tokenizer.from_file(str(folder / "tokenizer.json"))
        texts = list(mixtures(args.texts, args.seed, [token.content for token in reference.get_added_tokens_decoder().values()]))
        texts = [text for text in texts if "\0" not in text]
        given = "".join(json.dumps(text) + "\n" for text in texts)
        answer = subprocess.run([args.tokenize, str(folder)], input=given, capture_output=True, text=True, check=True)
        mine = [json.loads(line) for line in answer.stdout.splitlines()]
        vocabulary = Vocabulary(folder / "vocab.gguf", args.library)
        theirs = [vocabulary.ids(text) for text in texts]
        library = [one.ids for one in reference.encode_batch(texts, add_special_tokens=False)]
        wrong = [i for i in range(len(texts)) if mine[i] != theirs[i]]
        for i in wrong[: args.show]:
            at = next((k for k, (a, b) in enumerate(zip(mine[i], theirs[i])) if a != b), 0)
            window = slice(max(0, at - 1), at + 6)
            print("  ", repr(texts[i])[:160], "\n     ours", [reference.id_to_token(t) for t in mine[i][window]],
                  "\n     llama.cpp", [reference.id_to_token(t) for t in theirs[i][window]])
        composed = [i for i in range(len(texts)) if unicodedata.is_normalized("NFC", texts[i])]
        print(f"{folder.name}: {len(texts) - len(wrong)} of {len(texts)} texts have llama.cpp's ids, of those in NFC "
              f"{len(composed) - len(set(composed) & set(wrong))} of {len(composed)}; "
              f"{sum(a == b for a, b in zip(mine, library))} those of tokenizers", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
