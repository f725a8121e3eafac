#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Speed of our tokenizer beside that of Hugging Face `tokenizers`, in one run, on one thread each.

    compare.py MODEL_DIR TOKENIZE TEXTS.jsonl [--repeat N]

MODEL_DIR has tokenizer.json; TOKENIZE is build/dev/bin/tokenize; TEXTS.jsonl has one JSON string a line. Both encode all
texts N times, one by one, and are timed by the processor's time, which other work on the machine disturbs less. The
two take turns, three times; the best of each counts. Exits 1 when the number of tokens differs.
Needs only the `tokenizers` package.
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
from tokenizers import Tokenizer  # noqa: E402


def ours(args):
    with open(args.texts, encoding="utf-8") as given:
        out = subprocess.run([args.tokenize, args.model_dir, "--repeat", str(args.repeat)], stdin=given, capture_output=True,
                             text=True, check=True).stdout
    tokens, speed, with_places = re.search(r"(\d+) tokens, ([\d.e+]+) MB/s, with their places ([\d.e+]+)", out).groups()
    return int(tokens), float(speed), float(with_places)


def theirs(args, reference, texts):
    start = time.process_time()
    tokens = sum(len(reference.encode(text, add_special_tokens=False).ids) for _ in range(args.repeat) for text in texts)
    spent_s = time.process_time() - start
    return tokens, args.repeat * sum(len(text.encode()) for text in texts) / spent_s / 1e6


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("model_dir")
    options.add_argument("tokenize")
    options.add_argument("texts")
    options.add_argument("--repeat", type=int, default=3)
    args = options.parse_args()
    reference = Tokenizer.from_file(str(pathlib.Path(args.model_dir) / "tokenizer.json"))
    reference.no_truncation()
    reference.no_padding()
    texts = [json.loads(line) for line in open(args.texts, encoding="utf-8")]
    rounds = [(ours(args), theirs(args, reference, texts)) for _ in range(3)]
    mine, placed, other = (max(values) for values in zip(*((a[1], a[2], b[1]) for a, b in rounds)))
    print(f"ours {mine:.1f} MB/s, with places {placed:.1f}, tokenizers (always with places) {other:.1f}, "
          f"ratio {placed / other:.1f}; {rounds[0][0][0]} tokens")
    return 0 if all(a[0] == b[0] for a, b in rounds) else 1


if __name__ == "__main__":
    sys.exit(main())
