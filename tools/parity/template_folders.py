# SPDX-License-Identifier: Apache-2.0
"""Published chat templates in folders: our rendering beside transformers', template by template."""
import pathlib
import re

import jinja2
from transformers.utils import chat_template_utils

import template_conversations


def found_in(folders):
    """The *.jinja and *.jinja2 files below the folders."""
    for folder in folders:
        yield from sorted(p for p in pathlib.Path(folder).rglob("*.jinja*") if p.is_file())


def expected(template, given):
    """What transformers gives: {"text", "generated"}, or {"raised"} for raise_exception, or {"error"}."""
    compiled = chat_template_utils._compile_jinja_template(template)
    try:
        text, generated = chat_template_utils._render_with_assistant_indices(compiled_template=compiled, **given)
        return {"text": text, "generated": [list(part) for part in generated]}
    except jinja2.TemplateError as error:
        if type(error) is jinja2.TemplateError:  # what raise_exception raises
            return {"raised": str(error)}
        return {"error": f"{type(error).__name__}: {error}"}
    except Exception as error:  # whatever it raises, the template has failed
        return {"error": f"{type(error).__name__}: {error}"}


def shown(text):
    """A message as we print it: what a terminal would obey is '?'."""
    return re.sub(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]", "?", text.replace("\r", "").replace("\t", " "))


def verdict(mine, other):
    """equal, refused (we say what is not supported), more (we render what transformers cannot), or what differs."""
    said = mine.get("error", "")
    unsupported = re.search(r"template:\d+: (.* not supported.*)", said)
    if "text" in other:
        if mine.get("text") == other["text"]:
            characters = [[len(mine["text"].encode()[:end].decode()) for end in part] for part in mine.get("generated", [])]
            return "equal" if characters == other["generated"] or "generated_error" in mine else f"parts {characters} {other['generated']}"
        return f"refused: {unsupported[1]}" if unsupported else f"differs: {mine}"
    if "text" in mine:
        return f"more: {other.get('error', other)}"
    if "raised" in other:
        return "equal" if said.endswith("the template refuses this conversation: " + shown(other["raised"])[:2000]) else f"differs: {said} | {other}"
    return "equal"


def cases(folders):
    """(path, conversation, template, what transformers is given, what we are given)"""
    for path in found_in(folders):
        template = path.read_text(encoding="utf-8")
        for name, given in template_conversations.variables():
            aliased = {**given, "messages": chat_template_utils._alias_reasoning_fields(given["messages"])}
            yield path, name, template, aliased


def report(folders, render):
    """Prints a line for every template that is not equal everywhere, and the totals. Returns how many differ."""
    rows, ways = {}, {}
    all_cases = list(cases(folders))
    theirs, broken = [], {}
    for path, _, template, given in all_cases:
        try:
            theirs.append(expected(template, given))
        except jinja2.TemplateError as error:  # transformers cannot compile it
            broken[path] = str(error)
            theirs.append({"error": f"compile: {error}"})
    ours = render([{"template": template, "variables": given} for _, _, template, given in all_cases])
    for (path, name, _, given), mine, other in zip(all_cases, ours, theirs):
        found = verdict(mine, other)
        rows.setdefault(path, []).append((name, given["add_generation_prompt"], found, mine, other))
        ways[found.split(":")[0].split(" ")[0]] = ways.get(found.split(":")[0].split(" ")[0], 0) + 1
    for path, found in rows.items():
        odd = [f for f in found if f[2] != "equal"]
        if not odd:
            continue
        print(f"{path}: {len(found) - len(odd)} of {len(found)} equal")
        for text in sorted({f[2][:300] for f in odd}):
            names = sorted({f[0] for f in odd if f[2][:300] == text})
            print(f"    {text}\n        in {', '.join(names)}")
    for path, error in broken.items():
        print(f"{path}: transformers does not compile it: {error}")
    both_fail = sum("text" not in other for other in theirs)
    print(f"{len(rows)} templates, {len(all_cases)} renderings: " + ", ".join(f"{n} {way}" for way, n in sorted(ways.items()))
          + f"; {both_fail} fail in transformers")
    hidden = sum("generated_error" in mine for mine in ours)
    if hidden:
        print(f"{hidden} renderings whose generated parts we refuse to place")
    return sum(n for way, n in ways.items() if way not in ("equal", "refused", "more"))
