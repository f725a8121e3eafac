#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares our token ids with those of Hugging Face `tokenizers`, text by text.

    tokenizer_check.py MODEL_DIR TOKENIZE [FILE ...] [--mixtures N] [--seed S] [--limit N]

MODEL_DIR has tokenizer.json; TOKENIZE is the helper program built from tests/parity/tokenize_main.cpp. A FILE that
ends in .jsonl gives every string in every record (GSM8K: question and answer); any other file is one text. On top of these come
N generated mixtures of scripts, marks, emoji, digits, white space and the model's own added tokens, and one text per
block of 64 code points over all of Unicode. Exits 1 when any text differs. Needs only the `tokenizers` package.
"""
import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile

from tokenizers import Tokenizer

PIECES = [
    "Hello", " world", "don't", "I'LL", "we've", "it'S", " 'tis", "naïve", "Straße", "ſ", "İstanbul", "ΣΊΣΥΦΟΣ",
    "日本語", "テキスト", "ひらがな", "中文字符", "한국어", "각", "\u1100\u1161\u11a8", "हिन्दी", "தமிழ்",
    "العربية", "עברית", "ไทย", "Україна", "\U0001d54f", "\u212b", "\ufb01", "½", "²", "Ⅷ", "٣٤", "१२",
    "e\u0301", "a\u0323\u0307", "\u0344", "q\u0307\u0323", "😀", "👩‍👩‍👧‍👦", "🇩🇪", "👍🏽", "❤️", "\u200d", "\u200b", "\ufeff",
    " ", "  ", "   ", "\t", "\t\t ", "\n", "\n\n", "\r\n", "\r", " \n ", "\u00a0", "\u3000", "\u2028", "\u0085", "\u180e",
    "\u1680", "0", "12", "345", "6789", "3.14", "1,000", "$5", "#### 72", "<<48/2=24>>", "a_b", "foo()", "{}[]", "...", "!?", "—",
    "“quoted”", "\\n", "\x00", "\x1c", "\x7f", "\ue000", "\U000e0041", "\U0010ffff", "\ufffd", "▁", "Ġ", "<0x41>", "x" * 50,
    "http://a.b/c?d=e&f", "CamelCaseWord", "snake_case_word", "UPPER", "        indented", "_", "ß", "ǅ", "'", "''s", "’s",
]


def mixtures(count, seed, added):
    rng = random.Random(seed)
    for _ in range(count):
        parts = []
        for _ in range(rng.randint(1, 24)):
            kind = rng.random()
            if kind < 0.70:
                parts.append(rng.choice(PIECES))
            elif kind < 0.80 and added:
                parts.append(rng.choice(added))
            elif kind < 0.85 and added:  # nearly an added token
                parts.append(rng.choice(added)[:-1])
            elif kind < 0.92:
                parts.append("".join(chr(rng.randint(0x20, 0x7e)) for _ in range(rng.randint(1, 8))))
            elif kind < 0.96:
                parts.append(" " * rng.randint(1, 12))
            else:
                c = rng.randrange(0x110000)
                parts.append(chr(c) if not 0xD800 <= c < 0xE000 else "?")
        yield "".join(parts)


def all_of_unicode():
    """Each code point between letters, digits, blanks and marks, so that a wrong class moves a border."""
    for start in range(0, 0x110000, 64):
        if not 0xD800 <= start < 0xE000:
            for form in ("a{0}b", " {0}1", "{0} ", "{0}{0}"):
                yield "".join(form.format(chr(c)) for c in range(start, start + 64))


def strings_in(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from strings_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings_in(item)


def texts_of(path):
    text = pathlib.Path(path).read_text(encoding="utf-8")
    if not path.endswith(".jsonl"):
        return [text]
    return [s for line in text.splitlines() if line for s in strings_in(json.loads(line))]


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("model_dir")
    options.add_argument("tokenize")
    options.add_argument("files", nargs="*")
    options.add_argument("--mixtures", type=int, default=20000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--limit", type=int, help="at most so many texts of the files")
    args = options.parse_args()

    reference = Tokenizer.from_file(str(pathlib.Path(args.model_dir) / "tokenizer.json"))
    added = [t.content for t in reference.get_added_tokens_decoder().values()]
    texts = [t for f in args.files for t in texts_of(f)][: args.limit]
    from_files = len(texts)
    texts += ["", *mixtures(args.mixtures, args.seed, added), *all_of_unicode()]

    with tempfile.TemporaryFile("w+", encoding="utf-8") as given:
        for text in texts:
            given.write(json.dumps(text) + "\n")
        given.seek(0)
        answer = subprocess.run([args.tokenize, args.model_dir], stdin=given, stdout=subprocess.PIPE, check=True)
    ours = [json.loads(line) for line in answer.stdout.splitlines()]
    assert len(ours) == len(texts), (len(ours), len(texts))
    theirs = [e.ids for e in reference.encode_batch(texts, add_special_tokens=False)]

    wrong = [i for i in range(len(texts)) if ours[i] != theirs[i]]
    for i in wrong[:10]:
        print("DIFFERS", repr(texts[i])[:300])
        if isinstance(ours[i], dict):
            print("   ours", ours[i])
            continue
        at = next((k for k, (a, b) in enumerate(zip(ours[i], theirs[i])) if a != b), min(len(ours[i]), len(theirs[i])))
        for who, ids in (("ours", ours[i]), ("HF", theirs[i])):
            print(f"   {who:4} ...", [reference.id_to_token(t) for t in ids[max(0, at - 2) : at + 6]])
    tokens = sum(map(len, theirs))
    print(f"{len(texts) - len(wrong)} of {len(texts)} texts equal ({from_files} from files, {tokens} tokens)")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
