# SPDX-License-Identifier: Apache-2.0
"""The blocks of code in our pages, and what the comment before each says about it.

A block fenced as ```sh (commands) or ```console (`$ ` commands and what they print) is run, unless a comment on the line before it
says otherwise; CONTRIBUTING.md ("Commands in the pages") is the text for people.
"""
import pathlib
import re
from dataclasses import dataclass, field

NEEDS = {
    "cluster": "a Slurm cluster; run by docs.commands_cluster on tools/local-cluster",
    "site": "a real site's own queues, modules or images",
    "gpu": "a GPU",
    "network": "a network",
    "time": "more minutes than a test may take",
    "root": "root, since it changes the machine",
    "spack": "Spack",
    "apptainer": "Apptainer",
    "terminal": "a person at a terminal",
}
# What a command line begins with. In a block that is not run, such a line would be a command that nobody tries.
PROGRAMS = r"(?:peft-studio|peft-studio-worker|tools/|bash|cmake|ctest|cpack|spack|apt-get|apptainer|python3|pip|sbatch|srun|salloc|scontrol|module|git|export)"
COMMAND_LINE = re.compile(rf"^\s*(?:\$ )?{PROGRAMS}\b.*")


class PageError(Exception):
    """Something in a page that has to be written otherwise; the text begins with page:line."""


@dataclass
class Block:
    page: str
    line: int  # of the first line inside the fence
    language: str
    text: str
    needs: str = ""
    shown: str = ""
    file: str = ""  # the block is written into the workspace under this name
    ends: int = 0  # exit status of the block's last command
    marks: dict = field(default_factory=dict)

    @property
    def where(self):
        return f"{self.page}:{self.line}"

    def commands(self):
        """What bash is given, with the page's own line numbers: line 1 of it is line `self.line` of the page."""
        if self.language == "sh":
            return self.text
        lines, going_on = [], False
        for line in self.text.splitlines():
            command = line.lstrip().startswith("$ ")
            lines.append(line.lstrip().removeprefix("$ ") if command else line if going_on else "")
            going_on = (command or going_on) and line.endswith("\\")
        return "\n".join(lines) + "\n"


def all_pages(root):
    """README, CONTRIBUTING and everything below docs/, as paths relative to `root`."""
    root = pathlib.Path(root)
    pages = [root / "README.md", root / "CONTRIBUTING.md", *sorted(root.glob("docs/**/*.md")), *sorted(root.glob("packaging/**/*.md"))]
    return [str(page.relative_to(root)) for page in pages]


def _marks(comments, block):
    for comment in comments:
        for part in comment.split(","):
            key, colon, value = (word.strip() for word in part.partition(":"))
            if not colon or not value:
                raise PageError(f"{block.where}: '{part.strip()}' is no mark; write `<!-- key: value -->`")
            if key == "needs" and value not in NEEDS:
                raise PageError(f"{block.where}: 'needs: {value}' is not known; it may be {', '.join(NEEDS)}")
            if key not in ("needs", "shown", "file", "ends"):
                raise PageError(f"{block.where}: '{key}' is not known before a block; it may be needs, shown, file, ends")
            setattr(block, key, int(value) if key == "ends" else value)


def blocks(root, page):
    """Every fenced block of `page`, in order. @raises PageError"""
    found, comments, inside, fence = [], [], None, ""
    for number, line in enumerate((pathlib.Path(root) / page).read_text().splitlines(), start=1):
        bare = line.strip()
        if inside is not None:
            if bare == fence:
                found.append(inside)
                inside, comments = None, []
            else:
                indent = len(line) - len(line.lstrip())
                inside.text += line[min(indent, inside_indent):] + "\n"
        elif match := re.fullmatch(r"(`{3,})(\w*)", bare):
            fence, inside_indent = match[1], line.index("`")
            inside = Block(page, number + 1, match[2], "")
            _marks(comments, inside)
        elif match := re.fullmatch(r"<!--\s*((?:needs|shown|file|ends)\b.*?)\s*-->", bare):
            comments.append(match[1])
        elif bare:
            comments = []
    if inside is not None:
        raise PageError(f"{inside.where}: the block does not end")
    return found


def is_run(block):
    return block.language in ("sh", "console")


def check(block):
    """@raises PageError where a block is neither run nor marked"""
    if is_run(block):
        if not block.needs and not block.shown and (match := re.search(r"<[a-z][a-z -]*>|\.\.\.", re.sub(r"#.*", "", block.commands()))):
            raise PageError(f"{block.where}: '{match[0]}' cannot be run: write a name that the workspace has (tests/docs/workspace.sh), "
                            "or put `<!-- needs: ... -->` before the block")
        return
    if block.needs or block.shown:
        raise PageError(f"{block.where}: 'needs' and 'shown' are for commands: fence the block as ```sh")
    if block.language in ("", "text"):
        for offset, line in enumerate(block.text.splitlines()):
            if COMMAND_LINE.fullmatch(line):
                raise PageError(f"{block.page}:{block.line + offset}: '{line.strip()[:60]}' is a command in a block that nobody runs: fence it as ```sh, "
                                "or as ```console with '$ ' before each command where output is shown")
