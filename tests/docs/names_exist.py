# SPDX-License-Identifier: Apache-2.0
"""What our pages name is there: subcommands and options of peft-studio, within sentences and in blocks that nobody runs, and the
files of this repository that stand in `code`. And every page is in the site's table of contents.

  names_exist.py BUILD      from the root of the repository
"""
import pathlib
import re
import shlex
import subprocess
import sys

import pages

ROOT = pathlib.Path.cwd()
FOLDERS = "src|tests|tools|docs|configs|packaging|cmake|kernels|jobscripts"


class Program:
    """peft-studio's commands and their options, from its own --help."""

    def __init__(self, path):
        self.path, self.known = path, {}

    def help_of(self, words):
        key = tuple(words)
        if key not in self.known:
            out = subprocess.run([self.path, *words, "--help"], capture_output=True, text=True)
            options = set(re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", out.stdout))
            subcommands = set(re.findall(r"^  ([a-z][\w-]*)", out.stdout, re.M))
            self.known[key] = (options, subcommands, out.stdout)
        return self.known[key]

    def is_command(self, path, word):
        """Listed by its group's --help, or hidden there: then its own usage line names it."""
        subcommands = self.help_of(path)[1]
        usage = " ".join(["Usage: peft-studio", *path, word])
        return word in subcommands or (bool(subcommands) and usage in self.help_of([*path, word])[2])

    def complaint(self, line):
        """What is wrong with a command line that begins with peft-studio, or nothing."""
        try:
            words = shlex.split(re.sub(r"<([a-z][\w -]*)>", "X", line), comments=True)[1:]
        except ValueError:
            return None  # a sentence's fragment
        path = []
        while words and self.is_command(path, words[0]):
            path.append(words.pop(0))
        options, subcommands, _ = self.help_of(path)
        if subcommands and words and not words[0].startswith("-") and words[0] not in ("SUB", "COMMAND", "..."):
            return f"'peft-studio {' '.join(path)}' has no subcommand '{words[0]}'".replace("  ", " ").replace("studio '", "studio'")
        for word in words:
            if word in ("|", "||", "&&", ";", ">", "2>", "--"):
                break
            option = word.partition("=")[0].rstrip(",")
            if re.fullmatch(r"--?[a-zA-Z][\w-]*", option) and option not in options:
                return f"'peft-studio {' '.join(path)}' has no option '{option}'"
        return None


def spans(text):
    """(line number, code) of every `code` outside of blocks."""
    inside = False
    for number, line in enumerate(text.splitlines(), start=1):
        if re.match(r"\s*`{3,}\w*\s*$", line):
            inside = not inside
        elif not inside:
            for match in re.finditer(r"(`+)(?!`)(.+?)(?<!`)\1(?!`)", line):
                yield number, match[2].strip()


def main(build):
    program = Program(str(pathlib.Path(build).resolve() / "bin/peft-studio"))
    complaints, commands, files = [], 0, 0
    for page in pages.all_pages(ROOT):
        lines = [(n, code) for n, code in spans((ROOT / page).read_text())]
        for block in pages.blocks(ROOT, page):
            if pages.is_run(block):
                joined = re.sub(r"\\\n", "  ", block.commands())
                lines += [(block.line + n, part.strip()) for n, line in enumerate(joined.splitlines()) for part in re.split(r"&&|\|\||;", line)]
        for number, code in lines:
            if code.startswith("peft-studio "):
                commands += 1
                if complaint := program.complaint(code):
                    complaints.append(f"{page}:{number}: {complaint}")
            for path in re.findall(rf"(?<![\w/.<>$-])(?:{FOLDERS})/[\w./-]*\w/?", code):
                if not re.search(r"[*{<$\[]", code):
                    files += 1
                    if not (ROOT / path).exists() and not list(ROOT.glob(path + ".*")):
                        complaints.append(f"{page}:{number}: there is no {path} in this repository")
    index = (ROOT / "docs/index.md").read_text()
    for page in pages.all_pages(ROOT):
        link = f"]({page.removeprefix('docs/')})"
        if page.startswith("docs/") and page != "docs/index.md" and index.count(link) != 1:
            complaints.append(f"{page}:1: docs/index.md lists it {index.count(link)} times; it has to stand there once, under one of its headings")
    if commands == 0 or files == 0:
        complaints.append("no commands or no files found: is this the root of the repository?")
    print(f"{commands} commands, {files} files, {len(complaints)} complaints", *complaints, sep="\n")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
