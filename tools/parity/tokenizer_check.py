#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares our token ids and offsets with those of Hugging Face `tokenizers`, text by text.

    tokenizer_check.py MODEL_DIR TOKENIZE [FILE ...] [--mixtures N] [--seed S] [--limit N] [--no-unicode] [--reference JSON]

MODEL_DIR is a model's folder; TOKENIZE is the helper program built from tests/parity/tokenize_main.cpp. The library reads
MODEL_DIR/tokenizer.json, or the file that --reference names where the folder has none. A FILE that ends in .jsonl gives
every string in every record (GSM8K: question and answer); any other file is one text. On top of these come N generated
mixtures of scripts, marks, emoji, digits, white space and the model's own added tokens, and one text per block of 64 code
points over all of Unicode. Ids are compared without and with the special tokens that stand around a text. Offsets count
as equal where a token stands for the same characters, as wider where ours takes in characters that a normaliser changed
together; text that a normaliser put in has none of ours. Where a normaliser drops characters, the
library can lose count of the places after them: in such a text a token is told as shifted where what ours stands for is
that very token, normalised or decoded. Of words with bytes that a vocabulary lacks, places are nobody's: there both lose
count, and are told as wrong where they differ. Exits 1 when ids differ, or an offset is none of these. Of a Unigram model that --reference names, the scores are given to the library as
they are: read from JSON it loses their last bit, which a folder without tokenizer.json does not.
Needs only the `tokenizers` package.
"""
import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile

from tokenizers import Tokenizer, models

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


def run(args, texts, *options):
    with tempfile.TemporaryFile("w+", encoding="utf-8") as given:
        for text in texts:
            given.write(json.dumps(text) + "\n")
        given.seek(0)
        answer = subprocess.run([args.tokenize, args.model_dir, *options], stdin=given, stdout=subprocess.PIPE, check=True)
    ours = [json.loads(line) for line in answer.stdout.splitlines()]
    assert len(ours) == len(texts), (len(ours), len(texts))
    return ours


def show(texts, ours, theirs, reference):
    wrong = [i for i in range(len(texts)) if ours[i] != theirs[i]]
    for i in wrong[:5]:
        print("DIFFERS", repr(texts[i])[:300])
        if isinstance(ours[i], dict):
            print("   ours", ours[i])
            continue
        at = next((k for k, (a, b) in enumerate(zip(ours[i], theirs[i])) if a != b), min(len(ours[i]), len(theirs[i])))
        for who, ids in (("ours", ours[i]), ("HF", theirs[i])):
            print(f"   {who:4} ...", [reference.id_to_token(t) for t in ids[max(0, at - 2) : at + 6]])
    return len(texts) - len(wrong)


def is_of(number, text, reference):
    """Whether a token is in what a piece of text becomes. Of a byte and of the unknown token this cannot be said."""
    token = reference.id_to_token(number)
    normal = reference.normalizer.normalize_str(text) if reference.normalizer is not None else text
    return token.startswith("<0x") or token == "<unk>" or token in normal or token[0] == "▁" and text.isspace() or reference.decode([number], skip_special_tokens=False) == text


def compare_offsets(texts, ours, theirs, reference):
    normalizer = reference.normalizer
    counts = {"equal": 0, "wider": 0, "inserted": 0, "shifted": 0, "wrong": 0}
    for text, pieces, offsets in zip(texts, ours, theirs):
        drops = normalizer is not None and any(normalizer.normalize_str(c) == "" for c in set(text))
        starts = []  # by byte: the character it belongs to
        for i, c in enumerate(text):
            starts += [i] * len(c.encode())
        for (number, begin, end), (first, last) in zip(pieces, offsets):
            if begin == end:
                counts["inserted"] += 1
                continue
            mine = (starts[begin], starts[end - 1] + 1)
            kind = "equal" if mine == (first, last) else "wider" if mine[0] <= first and mine[1] >= last else "wrong"
            if kind == "wrong" and drops and is_of(number, text[mine[0] : mine[1]], reference):
                kind = "shifted"
            counts[kind] += 1
            if kind == "wrong" and counts["wrong"] <= 3:
                print("OFFSETS", repr(text)[:200], "ours", mine, repr(text[mine[0]:mine[1]]), "HF", (first, last), repr(text[first:last]))
    return counts


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("model_dir")
    options.add_argument("tokenize")
    options.add_argument("files", nargs="*")
    options.add_argument("--mixtures", type=int, default=20000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--limit", type=int, help="at most so many texts of the files")
    options.add_argument("--no-unicode", action="store_true", help="leave out the texts over all of Unicode")
    options.add_argument("--reference", help="what the library reads instead of MODEL_DIR/tokenizer.json")
    args = options.parse_args()

    described = json.loads(pathlib.Path(args.reference or pathlib.Path(args.model_dir) / "tokenizer.json").read_text(encoding="utf-8"))
    described["truncation"] = described["padding"] = None
    reference = Tokenizer.from_str(json.dumps(described))
    bare = Tokenizer.from_str(json.dumps({**described, "post_processor": None}))  # some processors trim offsets
    if args.reference and described["model"]["type"] == "Unigram":
        model = described["model"]
        for one in (reference, bare):
            one.model = models.Unigram([tuple(entry) for entry in model["vocab"]], unk_id=model["unk_id"], byte_fallback=model["byte_fallback"])
    added = [t.content for t in reference.get_added_tokens_decoder().values()]
    texts = [t for f in args.files for t in texts_of(f)][: args.limit]
    from_files = len(texts)
    texts += ["", *mixtures(args.mixtures, args.seed, added), *([] if args.no_unicode else all_of_unicode())]

    theirs = bare.encode_batch(texts, add_special_tokens=False)
    ours = run(args, texts, "--pieces")
    ids = [one if isinstance(one, dict) else [piece[0] for piece in one] for one in ours]
    equal = show(texts, ids, [e.ids for e in theirs], reference)
    special = show(texts, run(args, texts, "--special"), [e.ids for e in reference.encode_batch(texts)], reference)
    same = [i for i in range(len(texts)) if ids[i] == theirs[i].ids]
    offsets = compare_offsets([texts[i] for i in same], [ours[i] for i in same], [theirs[i].offsets for i in same], reference)
    tokens = sum(len(e.ids) for e in theirs)
    print(f"{equal} of {len(texts)} texts equal ({from_files} from files, {tokens} tokens), {special} with special tokens; "
          f"offsets: {', '.join(f'{n} {kind}' for kind, n in offsets.items())}")
    return 1 if equal < len(texts) or special < len(texts) or offsets["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
