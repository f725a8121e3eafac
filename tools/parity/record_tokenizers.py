#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains small tokenizers of many kinds with Hugging Face `tokenizers` and records what they give.

    record_tokenizers.py OUT_DIR [--folders]

Writes OUT_DIR/<kind>.json: {"tokenizer": <tokenizer.json>, "cases": [{"text", "ids", "decoded", "decoded_plain"}]}, the fixtures of
tests/unit/tokenizer; those of COMPONENTS also say "offsets" (of characters) and "special_ids" (what the tokenizer puts around included). With --folders it writes OUT_DIR/<kind>/tokenizer.json instead, for tokenizer_check.py. Deterministic.
Needs only the `tokenizers` package.
"""
import json
import pathlib
import struct
import sys

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from tokenizer_check import mixtures

# The patterns that the models of these names publish in their tokenizer.json.
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
O200K = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
         r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
         r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
POSSESSIVE = (r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|"
              r"\s+(?!\S)|\s")
DEEPSEEK = [r"\p{N}{1,3}", "[一-龥぀-ゟ゠-ヿ]+",
            r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|"""
            r"""\s*[\r\n]+|\s+(?!\S)|\s+"""]

SENTENCES = [
    "Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May.",
    "How many clips did Natalia sell altogether? 48/2 = <<48/2=24>>24 clips. 48+24 = 72\n#### 72", "don't I'LL we've it'S 'tis they're",
    "naïve Straße élève Élan", "日本語のテキスト 中文字符 한국어 각", "हिन्दी العربية עברית Україна", "😀👍🏽 👩‍👩‍👧‍👦 ❤️", "def f(x):\n    return x  # ok\r\n\t\ty = 3.14",
]


def split(*patterns):
    return [pre_tokenizers.Split(Regex(p), "isolated") for p in patterns]


def byte_level(*before, **options):
    options = {"add_prefix_space": False, "use_regex": False, **options}
    return pre_tokenizers.Sequence([*before, pre_tokenizers.ByteLevel(**options)])


META = {"byte_fallback": True, "fuse_unk": True, "unk_token": "<unk>"}
N = normalizers
P = pre_tokenizers
KINDS = {  # normaliser, pre-tokeniser, options of the model
    "gpt2": (None, P.ByteLevel(add_prefix_space=False), {}),
    "gpt2_prefix_space": (None, P.ByteLevel(add_prefix_space=True), {}),
    "smollm": (None, byte_level(P.Digits(individual_digits=True), use_regex=True), {}),
    "digit_groups": (None, byte_level(P.Digits(individual_digits=False), use_regex=True, add_prefix_space=True), {}),
    "llama3": (None, byte_level(*split(LLAMA3)), {"ignore_merges": True}),
    "qwen2": (N.NFC(), byte_level(*split(QWEN2)), {}),
    "o200k": (None, byte_level(*split(O200K)), {}),
    "possessive": (None, byte_level(P.Split(Regex(POSSESSIVE), "removed", invert=True)), {}),
    "deepseek3": (N.Sequence([]), byte_level(*split(*DEEPSEEK)), {}),
    "normalized": (N.Sequence([N.NFKD(), N.Lowercase(), N.Replace(" ", "_"), N.Replace(Regex(r"\d+"), "#"), N.Prepend(">")]),
                   P.ByteLevel(add_prefix_space=False), {}),
    "nfkc": (N.NFKC(), P.ByteLevel(add_prefix_space=False), {}),
    "behaviors": (None, byte_level(P.Split(Regex(r"\w+|\b|\W"), "merged_with_previous"), P.Split("a", "merged_with_next"),
                                   P.Split(Regex("[eo]"), "contiguous"), P.Split("ss", "removed")), {}),
    "metaspace_first": (None, P.Metaspace(prepend_scheme="first", split=False), META),
    "metaspace_split": (None, P.Metaspace(prepend_scheme="always", split=True), {"fuse_unk": True, "unk_token": "<unk>"}),
    "metaspace_never": (None, P.Metaspace(prepend_scheme="never", split=True), {"unk_token": "<unk>"}),
    "llama2": (N.Sequence([N.Prepend("▁"), N.Replace(" ", "▁")]), None, META),
    "bytes_missing": (None, P.ByteLevel(add_prefix_space=False), {}),
}


def train(kind, vocabulary_size):
    normalizer, pre_tokenizer, options = KINDS[kind]
    in_bytes = "ByteLevel" in str(pre_tokenizer)
    tokenizer = Tokenizer(models.BPE(**options))
    if normalizer:
        tokenizer.normalizer = normalizer
    if pre_tokenizer:
        tokenizer.pre_tokenizer = pre_tokenizer
    special = ["<|endoftext|>", "<|im_start|>", "<|im|>"] if in_bytes else ["<unk>", "<|endoftext|>", "<|im_start|>", "<|im|>"]
    fallback = [f"<0x{b:02X}>" for b in range(256)] if options.get("byte_fallback") else []
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary_size + (0 if in_bytes else 150) + len(fallback), show_progress=False,
        special_tokens=[AddedToken(t, special=True) for t in special] + [AddedToken(t) for t in fallback],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()) if in_bytes and kind != "bytes_missing" else [])
    tokenizer.train_from_iterator(SENTENCES * 3, trainer)
    tokenizer.add_tokens([AddedToken("<mask>", lstrip=True), AddedToken("<rs>", rstrip=True), AddedToken("word", single_word=True),
                          AddedToken("Élan", normalized=True), AddedToken("  ", normalized=True),
                          AddedToken("ABC", normalized=False, lstrip=True, rstrip=True)])
    tokenizer.decoder = decoders.ByteLevel() if in_bytes else decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    described = json.loads(tokenizer.to_str())
    # Byte tokens belong to the vocabulary alone: a text that spells one out must not become it.
    described["added_tokens"] = [t for t in described["added_tokens"] if t["content"] not in fallback]
    return described


def charsmap(replacements):
    """A precompiled_charsmap: a double array of darts-clone, and what its keys become. Built the slow way."""
    values, texts = {}, b""
    for key, value in replacements.items():
        values[key.encode()] = len(texts)
        texts += value.encode() + b"\0"
    units, taken, bases = {}, {0}, set()

    def place(prefix, at, label):
        """The unit at `at` is reached by `label`; its children lie at base ^ byte, its value at base."""
        bytes_after = sorted({k[len(prefix)] for k in values if k.startswith(prefix) and len(k) > len(prefix)})
        has_value = prefix in values
        wanted = bytes_after + ([0] if has_value else [])
        base = next(b for b in range(1, 1 << 20) if b not in bases and not any(b ^ w in taken for w in wanted))
        bases.add(base)
        taken.update(base ^ w for w in wanted)
        units[at] = label | has_value << 8 | (base ^ at) << 10
        if has_value:
            units[base] = 1 << 31 | values[prefix]
        for byte in bytes_after:
            place(prefix + bytes([byte]), base ^ byte, byte)

    place(b"", 0, 0)
    array = [units.get(i, 0) for i in range(max(units) + 257)]
    return struct.pack("<I", 4 * len(array)) + struct.pack(f"<{len(array)}I", *array) + texts


CHARSMAP = {"\r": " ", "\n": " ", "\t": " ", "\u3000": " ", "ﬁ": "fi", "２": "2", "é": "e\u0301", "e\u0301": "É", "a\u0323": "", "½": "1⁄2",
            "\u200d": "", "☃": "snow man", "각": "각"}


def template():
    return processors.TemplateProcessing(single="[CLS]:0 $A:0 [SEP]:0 [SEP]:0", pair="[CLS]:0 $A:0 [SEP]:0 $B:1",
                                         special_tokens=[("[CLS]", 1), ("[SEP]", 2)])


def sequence(*steps):
    return pre_tokenizers.Sequence(list(steps))


SPECIAL = ["[UNK]", "[CLS]", "[SEP]", "<unk>", "<pad>"]
BYTES = [f"<0x{b:02X}>" for b in range(256)]
D = decoders
# model, its trainer's options, normaliser, pre-tokeniser, decoder, post-processor, changes of the model in tokenizer.json
COMPONENTS = {
    "bert": ("WordPiece", {}, N.BertNormalizer(), P.BertPreTokenizer(), D.WordPiece(), template(), {"max_input_chars_per_word": 30}),
    "bert_cased": ("WordPiece", {}, N.BertNormalizer(lowercase=False, clean_text=False), sequence(P.Whitespace(), P.Punctuation("contiguous")),
                   D.WordPiece(prefix="##", cleanup=False), processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1)), {}),
    "t5": ("Unigram", {}, N.Sequence([N.Precompiled(charsmap(CHARSMAP)), N.Replace(Regex(" {2,}"), " ")]),
           P.Metaspace(), D.Metaspace(), template(), {}),
    "unigram_bytes": ("Unigram", {}, N.Sequence([N.Nmt(), N.NFKC(), N.Strip(left=False, right=True)]),
                      sequence(P.WhitespaceSplit(), P.Metaspace()), D.Sequence([D.ByteFallback(), D.Metaspace()]),
                      None, {"byte_fallback": True}),
    "unigram_in_letters": ("Unigram", {}, None, P.ByteLevel(add_prefix_space=True), D.ByteLevel(),
                           processors.RobertaProcessing(("[SEP]", 2), ("[CLS]", 1), trim_offsets=False), {}),
    "word_level": ("WordLevel", {}, N.Sequence([N.NFD(), N.StripAccents(), N.Lowercase()]), P.Whitespace(), None,
                   processors.Sequence([processors.ByteLevel(trim_offsets=False), template()]), {}),
    "ctc": ("WordLevel", {}, N.Replace(" ", "|"), P.FixedLength(1), D.CTC(), None, {}),
    "clip": ("BPE", {"end_of_word_suffix": "</w>"}, N.Sequence([N.NFC(), N.Lowercase(), N.Strip()]),
             sequence(P.Split(Regex(r"'s|'t|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"), "removed", invert=True), P.ByteLevel(add_prefix_space=False)),
             D.Sequence([D.ByteLevel(), D.BPEDecoder()]), None, {"end_of_word_suffix": "</w>", "unk_token": "[UNK]"}),
    "marked": ("BPE", {"continuing_subword_prefix": "##"}, None, P.CharDelimiterSplit(" "), D.WordPiece(), None,
               {"continuing_subword_prefix": "##", "unk_token": "[UNK]", "fuse_unk": True}),
    "some_bytes": ("BPE", {}, None, P.Digits(individual_digits=True),
                   D.Sequence([D.ByteFallback(), D.Fuse()]), None, {"byte_fallback": True, "unk_token": "<unk>"}),
    "falcon": ("BPE", {}, None, sequence(P.Punctuation("contiguous"), P.ByteLevel(add_prefix_space=False), P.Digits(), P.Split(Regex("[0-9][0-9][0-9]"), "isolated")),
               D.ByteLevel(), None, {}),
    "letters_first": ("BPE", {}, N.Sequence([N.Prepend("▁"), N.ByteLevel()]), P.Split(Regex("(?=Ġ)"), "isolated"), D.ByteLevel(), None, {}),
}


def train_components(kind):
    model, options, normalizer, pre_tokenizer, decoder, processor, changes = COMPONENTS[kind]
    special = SPECIAL + (BYTES if kind == "unigram_bytes" else BYTES[:0x90] if kind == "some_bytes" else [])
    tokenizer = Tokenizer({"Unigram": models.Unigram, "BPE": models.BPE, "WordPiece": models.WordPiece, "WordLevel": models.WordLevel}[model]())
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizer
    options = {"vocab_size": 330 + len(special), "show_progress": False, "special_tokens": [AddedToken(t, special=True) for t in special], **options}
    if model == "Unigram":
        options |= {"unk_token": "<unk>"}
    trainer = getattr(trainers, f"{model}Trainer" if model != "BPE" else "BpeTrainer")(**options)
    # Half of the characters are left out, so that some are unknown.
    tokenizer.train_from_iterator([s for i, s in enumerate(SENTENCES) if i not in (4, 5)] * 3, trainer)
    tokenizer.add_tokens([AddedToken("<mask>", lstrip=True), AddedToken("Élan", normalized=True), AddedToken("ABC", normalized=False, rstrip=True)])
    if decoder:
        tokenizer.decoder = decoder
    if processor:
        tokenizer.post_processor = processor
    described = json.loads(tokenizer.to_str())
    described["added_tokens"] = [t for t in described["added_tokens"] if t["content"] not in BYTES]
    described["model"].update(changes)
    return described


def record_components(out):
    for kind in COMPONENTS:
        described = train_components(kind)
        tokenizer = Tokenizer.from_str(json.dumps(described))
        texts = [*SENTENCES, "", " ", " a <mask>  ABC x", "\u200b\u0085x\x01 \ufffd\u3000ﬁ２é", "e\u0301a\u0323\u0307 \r\n☃½각 ££ \U0001fae8£", "x" * 40 + " do not stop ! we 've",
                 *mixtures(12, 6, ["<mask>", "ABC"])]
        cases = []
        for text in texts:
            plain, special = tokenizer.encode(text, add_special_tokens=False), tokenizer.encode(text)
            cases.append({"text": text, "ids": plain.ids, "offsets": plain.offsets, "special_ids": special.ids,
                          "decoded": tokenizer.decode(plain.ids, skip_special_tokens=False),
                          "decoded_plain": tokenizer.decode(plain.ids, skip_special_tokens=True)})
        (out / f"{kind}.json").write_text(json.dumps({"tokenizer": described, "cases": cases}, ensure_ascii=False) + "\n", encoding="utf-8")


def main():
    out = pathlib.Path(sys.argv[1])
    folders = "--folders" in sys.argv[2:]
    if not folders:
        record_components(out)
    for kind in KINDS:
        described = train(kind, 900 if folders else 330)
        if folders:
            (out / kind).mkdir(parents=True, exist_ok=True)
            (out / kind / "tokenizer.json").write_text(json.dumps(described, ensure_ascii=False), encoding="utf-8")
            continue
        tokenizer = Tokenizer.from_str(json.dumps(described))
        added = [t["content"] for t in described["added_tokens"]]
        texts = [*SENTENCES, "", " ", "  word words <mask>  x<rs>   y ABC  zABC", "\U00031a28’s \U0001fae8 x", *mixtures(25, 5, added)]
        cases = []
        for text in texts:
            ids = tokenizer.encode(text, add_special_tokens=False).ids
            cases.append({"text": text, "ids": ids, "decoded": tokenizer.decode(ids, skip_special_tokens=False),
                          "decoded_plain": tokenizer.decode(ids, skip_special_tokens=True)})
        (out / f"{kind}.json").write_text(json.dumps({"tokenizer": described, "cases": cases}, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
