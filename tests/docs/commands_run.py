# SPDX-License-Identifier: Apache-2.0
"""Runs the commands of our pages as a reader would type them, and fails where one fails or none says why it is not run.

  commands_run.py BUILD [--cluster] [PAGE...]      from the root of the repository

Every page gets a folder of its own (workspace.sh) in which its blocks are run from top to bottom. With --cluster those that are
marked `needs: cluster` are run, on a local Slurm of this program's own; without it, those that have no mark.
"""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import pages

ROOT = pathlib.Path.cwd()
LIMIT_S = 300  # of one block; seconds on a machine that has nothing else to do


class Workspace:
    """The folder of one page; copies of the first one are cheap."""

    def __init__(self, build, base):
        self.build, self.base, self.count = build, base, 0
        self.first = base / "prepared"
        subprocess.run(["bash", ROOT / "tests/docs/workspace.sh", build, self.first], check=True)

    def fresh(self):
        self.count += 1
        folder = self.base / f"page-{self.count}"
        shutil.copytree(self.first, folder, symlinks=True)
        return folder


def script_of(block):
    """Line numbers in bash's messages are those of the page."""
    head = 'set -euo pipefail; trap \'status=$?; echo "line $LINENO: status $status" >&2\' ERR'
    return head + "\n" * (block.line - 1) + block.commands()


def run(block, folder, build, cluster):
    """@return seconds, exit status, what was printed"""
    script = folder / f".block-{block.line}.sh"
    script.write_text(script_of(block))
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PST_", "XDG_", "SLURM_", "OMPI_"))}
    env.update(HOME=str(folder / "home"), PATH=f"{build}/bin:{env['PATH']}", TERM="dumb", COLUMNS="120",
               OMP_WAIT_POLICY="PASSIVE")  # spinning threads would fight with all else that CI does
    words = ["bash", "--noprofile", "--norc", str(script)]
    if cluster:
        words = ["bash", str(ROOT / "tools/local-cluster"), "--dir", str(cluster), "run", "--", *words]
    begin = time.monotonic()
    process = subprocess.Popen(words, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True, errors="replace", start_new_session=True)
    try:
        out, _ = process.communicate(timeout=LIMIT_S)
        status = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, status = process.communicate()[0] + f"not done after {LIMIT_S} s\n", 124
    return time.monotonic() - begin, status, out


def is_wanted(block, on_cluster):
    return pages.is_run(block) and not block.shown and block.needs == ("cluster" if on_cluster else "")


def known_tests():
    """Names of ctest's tests, from where they are made; `shown:` may name one."""
    text = "\n".join(p.read_text() for p in [*ROOT.glob("tests/**/CMakeLists.txt"), *ROOT.glob("tests/**/*.cmake")])
    names = set(re.findall(r"NAME\s+([\w.]+)", text))
    names |= {f"house.{n}" for n in re.findall(r"pst_house_test\((\w+)", text)}
    names |= {f"e2e.cluster_{n}" for n in re.findall(r"pst_cluster_test\((\w+)", text)}
    return names


def check_marks(found):
    """@return complaints about blocks that are neither run nor marked, or marked with what is not there"""
    complaints, tests = [], known_tests()
    for block in found:
        try:
            pages.check(block)
        except pages.PageError as error:
            complaints.append(str(error))
        if block.shown and block.shown not in tests and not os.access(ROOT / block.shown, os.X_OK):
            complaints.append(f"{block.where}: 'shown: {block.shown}' is neither a test nor a program of this repository")
        if pages.is_run(block):
            parsed = subprocess.run(["bash", "-n"], input=re.sub(r"<([a-z][\w -]*)>", r"\1", block.commands()), capture_output=True, text=True)
            if parsed.returncode:
                complaints.append(f"{block.where}: is no shell: {parsed.stderr.strip()}")
    return complaints


def run_page(blocks, workspace, build, cluster):
    """@return complaints"""
    complaints, folder = [], workspace.fresh()
    if cluster and any(re.search(r"\bRUN\b", b.commands()) for b in blocks if is_wanted(b, True)):
        start = ["bash", str(ROOT / "tests/docs/running_run.sh"), str(build), str(folder)]
        subprocess.run(["bash", str(ROOT / "tools/local-cluster"), "--dir", str(cluster), "run", "--", *start], check=True)
    for block in blocks:
        if block.file:
            (folder / block.file).parent.mkdir(parents=True, exist_ok=True)
            (folder / block.file).unlink(missing_ok=True)
            (folder / block.file).write_text(block.text)
        if not is_wanted(block, bool(cluster)):
            continue
        seconds, status, out = run(block, folder, build, cluster)
        good = status == block.ends
        print(f"  {'ok' if good else 'FAILED'}  {seconds:5.1f} s  {block.where}", flush=True)
        if not good:
            tail = "\n".join("      " + line for line in out.splitlines()[-15:])
            wanted = f", not {block.ends}" if block.ends else ""
            complaints.append(f"{block.where}: ended with status {status}{wanted}\n{tail}")
    if cluster:
        subprocess.run(["bash", str(ROOT / "tools/local-cluster"), "--dir", str(cluster), "run", "--", "bash", "-c",
                        "scancel --user=$(id -un); for ((i = 0; i < 100; i++)); do [[ -n $(squeue -h) ]] || break; sleep 0.2; done"], check=False)
    return complaints


def main(arguments):
    on_cluster = "--cluster" in arguments
    build, *wanted = [a for a in arguments if a != "--cluster"]
    build = pathlib.Path(build).resolve()
    complaints, by_page = [], {}
    for page in pages.all_pages(ROOT):
        try:
            by_page[page] = pages.blocks(ROOT, page)
        except pages.PageError as error:
            complaints.append(str(error))
    found = [b for blocks in by_page.values() for b in blocks]
    complaints += check_marks(found)

    (build / "e2e").mkdir(exist_ok=True)
    base = pathlib.Path(tempfile.mkdtemp(prefix="docs-", dir=build / "e2e"))
    cluster = None
    try:
        if on_cluster:
            cluster = pathlib.Path(tempfile.mkdtemp(prefix="pst-docs-", dir=os.environ.get("XDG_RUNTIME_DIR", "/tmp")))
            up = subprocess.run(["bash", "tools/local-cluster", "--dir", str(cluster), "up", "--nodes", "4", "--cpus-per-node", "1"], capture_output=True, text=True)
            if up.returncode == 69:
                print(f"skipped: {up.stdout}{up.stderr}")
                return 77
            up.check_returncode()
        workspace = Workspace(build, base)
        for page, blocks in by_page.items():
            if (not wanted or page in wanted) and any(is_wanted(b, on_cluster) for b in blocks):
                complaints += run_page(blocks, workspace, build, cluster)
    finally:
        if cluster:
            subprocess.run(["bash", "tools/local-cluster", "--dir", str(cluster), "down"], check=False, stdout=subprocess.DEVNULL)
            shutil.rmtree(cluster, ignore_errors=True)
    commands = [b for b in found if pages.is_run(b)]
    ran = sum(is_wanted(b, on_cluster) for b in commands if not wanted or b.page in wanted)
    print(f"{len(commands)} blocks of commands: {ran} run here, {sum(bool(b.shown) for b in commands)} shown by other tests, marked: " +
          ", ".join(f"{n} {need}" for need in pages.NEEDS if (n := sum(b.needs == need and not b.shown for b in commands))))
    if ran == 0:
        complaints.append("no block was run: is this the root of the repository?")
    for complaint in complaints:
        print(complaint)
    if complaints:
        print(f"{len(complaints)} complaints; CONTRIBUTING.md, 'Commands in the pages', says how a block is marked. kept: {base}")
        return 1
    shutil.rmtree(base)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
