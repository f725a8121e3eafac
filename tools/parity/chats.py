# SPDX-License-Identifier: Apache-2.0
"""GSM8K rows as chats, and their tokens and labels as Hugging Face's tokenizer sees them.

Labels are found here by place in the rendered text and not by counting tokens of prefixes, so that the two sides of a
comparison do not share a way of being wrong.
"""

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Encoded:
    ids: list[int]
    labelled: list[bool]  # labelled[i]: token i is a target, predicted from the tokens before it


def read_gsm8k(path: Path, count: int) -> list[dict]:
    """The first `count` rows as {"messages": [user, assistant]}."""
    chats = []
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            chats.append({"messages": [{"role": "user", "content": row["question"]},
                                       {"role": "assistant", "content": row["answer"]}]})
            if len(chats) == count:
                return chats
    raise SystemExit(f"{path}: {len(chats)} rows, wanted {count}")


def write_jsonl(path: Path, rows: list[dict]) -> None:
    with open(path, "w", encoding="utf-8") as out:
        for row in rows:
            out.write(json.dumps(row, ensure_ascii=False) + "\n")


def read_jsonl(path: Path) -> list[dict]:
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def encode_chat(tokenizer, chat: dict) -> Encoded:
    """Tokens of the rendered chat; labelled are the assistant's text and its end-of-turn token, nothing else."""
    end_of_turn = next(end for end in ("<|im_end|>", "<end_of_turn>") if end in tokenizer.chat_template)
    text = tokenizer.apply_chat_template(chat["messages"], tokenize=False)
    targets, cursor = [], 0
    for message in chat["messages"]:
        begin = text.index(message["content"], cursor)
        cursor = begin + len(message["content"])
        if not text.startswith(end_of_turn, cursor):
            raise SystemExit(f"the template does not put {end_of_turn} after a message; it cannot be compared here")
        cursor += len(end_of_turn)
        if message["role"] == "assistant":
            targets.append((begin, cursor))

    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    labelled = [any(begin <= first and last <= end for begin, end in targets) and last > first
                for first, last in encoded["offset_mapping"]]
    return Encoded(ids=encoded["input_ids"], labelled=labelled)
