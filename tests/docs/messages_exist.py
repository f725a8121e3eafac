# SPDX-License-Identifier: Apache-2.0
"""Every message that docs/troubleshooting.md quotes is one that the program still prints: each part of it between two `…` stands in a
text of the sources.

  messages_exist.py      from the root of the repository
"""
import pathlib
import re
import sys

PAGE = pathlib.Path("docs/troubleshooting.md")
LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"')


def texts_of(source):
    """The string literals of C++ sources, neighbours joined as the compiler joins them."""
    joined = re.sub(r'"\s*\n?\s*"', "", re.sub(r"//[^\n\"]*\n", "\n", source))
    return [re.sub(r"\\(.)", r"\1", m[1]) for m in LITERAL.finditer(joined)]


def main():
    texts = [t for f in sorted(pathlib.Path("src").glob("**/*.[ch]pp")) for t in texts_of(f.read_text())]
    all_texts = "\n".join(texts)
    complaints, count, section = [], 0, ""
    for number, line in enumerate(PAGE.read_text().splitlines(), start=1):
        if line.startswith("## "):
            section = line
        if section == "## The exit status" or not (match := re.match(r"\| `([^`]+)` \|", line)):
            continue
        count += 1
        parts = [part.strip() for part in match[1].split("…")]
        if max(len(part) for part in parts) < 10 and len("".join(parts)) < 12:
            complaints.append(f"{PAGE}:{number}: '{match[1]}' is too short to be found by")
        for part in parts:
            if part and part not in all_texts:
                complaints.append(f"{PAGE}:{number}: no source says '{part}' any more: correct the page, or take the line out")
    if count < 20:
        complaints.append(f"{PAGE}: only {count} messages found")
    print(f"{count} messages against {len(texts)} texts, {len(complaints)} complaints", *complaints, sep="\n")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
