# SPDX-License-Identifier: Apache-2.0
"""No line of prose in our pages is longer than 100 columns. Tables, blocks of code, comments and addresses of links may be.

  lines_are_short.py      from the root of the repository
"""
import pathlib
import re
import sys

import pages

LIMIT = 100


def long_lines(text):
    """(line number, columns) of every line of prose beyond the limit."""
    fence = ""
    for number, line in enumerate(text.splitlines(), start=1):
        bare = line.strip()
        if fence:
            fence = "" if bare == fence else fence
        elif match := re.match(r"(`{3,})[\w{}]*$", bare):
            fence = match[1]
        elif not bare.startswith(("|", "<!--")):
            columns = len(re.sub(r"\]\([^)]*\)", "]", line))
            if columns > LIMIT:
                yield number, columns


def main():
    root = pathlib.Path.cwd()
    found = [*pages.all_pages(root), "CHANGELOG.md", "SECURITY.md"]
    complaints = [f"{page}:{number}: {columns} columns, at most {LIMIT} are read with ease"
                  for page in found for number, columns in long_lines((root / page).read_text())]
    print(f"{len(found)} pages, {len(complaints)} complaints", *complaints, sep="\n")
    return 1 if complaints or len(found) < 20 else 0


if __name__ == "__main__":
    sys.exit(main())
