#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares our rendering of chat templates with Jinja2's, set up as transformers sets it up.

    template_check.py RENDER [--model-dir DIR] [--record tests/fixtures/jinja] [--seed S] [--count N]
    template_check.py RENDER --templates DIR...

RENDER is the helper program built from tests/parity/render_main.cpp. What is compared: every template of chat_templates/ on many
conversations (templates in the style of ChatML, Llama 3.1, Mistral, Qwen, Gemma, Phi-3 and DeepSeek), the model's own one
with --model-dir, the snippets of template_snippets.py, and N small templates put together at random. An error in Jinja2
has to be an error of ours. With --templates, only the *.jinja files below those folders are compared, each on the
conversations of template_conversations.py, with the parts that {% generation %} marks and the texts that
raise_exception gives; what differs or is refused is listed by template. --record writes what Jinja2 gave as the fixtures that ctest checks without Python. Exits 1 when
anything differs. Needs the packages jinja2 and transformers.
"""
import argparse
import copy
import json
import pathlib
import random
import subprocess
import sys

from transformers.utils import chat_template_utils

import template_folders
import template_snippets

HERE = pathlib.Path(__file__).parent

TOOL = {"type": "function", "function": {
    "name": "get_weather", "description": "Weather of a place.\nMay be <old> & \"wrong\".",
    "parameters": {"type": "object", "properties": {
        "place": {"type": "string", "description": "City, e.g. Zürich 🏔"},
        "days": {"type": "array", "items": {"type": "integer"}},
        "unit": {"type": "string", "enum": ["C", "F"]},
        "where": {"type": "object", "properties": {"lat": {"type": "number"}, "lon": {"type": "number"}}, "required": ["lat"]}},
        "required": ["place"]}, "return": {"type": "string"}}}
CALL = {"id": "abcdefghi", "type": "function",
        "function": {"name": "get_weather", "arguments": {"place": "Köln", "unit": "C", "n": 3, "x": 1.5, "ok": True, "none": None}}}

CONVERSATIONS = [
    [{"role": "user", "content": "Hello"}],
    [{"role": "system", "content": " Be brief. "}, {"role": "user", "content": "  Hi!\n"}, {"role": "assistant", "content": "Hi.  "}],
    [{"role": "user", "content": "日本語 😀 é\u0301 <b>&'\"\\ {{ x }} {% y %}"}, {"role": "assistant", "content": "\n\nok\r\n\tyes\x0b"}],
    [{"role": "user", "content": ""}, {"role": "assistant", "content": ""}, {"role": "user", "content": "again"}],
    [{"role": "assistant", "content": "I start"}, {"role": "user", "content": "You may not"}],
    [{"role": "user", "content": "w?"}, {"role": "assistant", "content": None, "tool_calls": [CALL]},
     {"role": "tool", "content": "12 °C", "tool_call_id": "abcdefghi"}, {"role": "assistant", "content": "It is 12 °C."}],
    [{"role": "system", "content": "s"}, {"role": "user", "content": "w?"}, {"role": "assistant", "content": "calling", "tool_calls": [CALL, CALL]},
     {"role": "tool", "content": "1", "tool_call_id": "abcdefghi"}, {"role": "tool", "content": "2", "tool_call_id": "abcdefghi"},
     {"role": "assistant", "content": "<think>\nhmm\n</think>\n\nThree."}, {"role": "user", "content": "thanks"}],
    [{"role": "user", "content": [{"type": "text", "text": " see "}, {"type": "image"}]}, {"role": "assistant", "content": "a cat"}],
    [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}],
    [{"role": "user", "content": "q"}, {"role": "assistant", "content": "<think>\nhmm\n</think>\n\nFour.", "reasoning_content": "why\n"}],
    [],
]


def variables():
    for number, messages in enumerate(CONVERSATIONS):
        for extra in ({}, {"tools": [TOOL]}, {"tools": None}, {"tools": [TOOL, TOOL], "tools_in_user_message": False},
                      {"builtin_tools": ["brave_search", "code_interpreter", "get_weather"]}, {"enable_thinking": False}):
            if number > 6 and extra:
                continue
            for prompt in (True, False):
                yield {"messages": messages, "add_generation_prompt": prompt, "bos_token": "<s>", "eos_token": "</s>",
                       "date_string": "01 Jan 2025", **extra}


def random_template(rng):
    """A template of a few random pieces; most of them run, some fail at run time."""
    values = ["x", "xs", "d", "s", "n", "f", "none", "true", "undefined_name", "'aBc dE'", "[3, 1, 2]", "{'a': 1, 'b': [1, 2]}", "xs[0]",
              "d.a", "d['list']", "s[1:]", "xs[::-1]", "n - 1", "-f", "n // 2", "n % 3", "s ~ n", "(1, 'two')", "'é😀ß'", "1.5e3", "' pad '"]
    filters = ["upper", "lower", "title", "capitalize", "trim", "length", "list", "string", "first", "last", "join('-')", "tojson", "reverse",
               "reverse|list", "sort", "unique|list", "int", "float", "abs", "round(1)", "default('D')", "default('D', true)", "replace('a', 'b')",
               "indent", "tojson(indent=2)", "min", "max", "sum", "map('string')|list", "select|list", "reject('none')|list", "batch(2)|list",
               "items|list", "dictsort", "count", "safe", "e", "center(9)", "truncate(4, true, '..', 0)", "wordcount", "slice(2)|list",
               "format(1)", "urlencode", "groupby('a')", "filesizeformat", "attr('a')", "indent(2, true)", "reverse|join"]
    tests = ["defined", "undefined", "none", "string", "number", "integer", "float", "boolean", "mapping", "iterable", "sequence",
             "odd", "even", "true", "false", "escaped", "callable", "in [1, 'x', 3]", "eq 3", "divisibleby(2)", "lower", "upper"]
    methods = ["upper()", "strip()", "split()", "split('e')", "rsplit(none, 1)", "format(1, 'b')", "swapcase()", "title()", "join(['a', 'b'])",
               "replace('a', '<')", "center(8, '*')", "rjust(7)", "casefold()", "splitlines(true)", "partition('c')", "expandtabs(3)", "isupper()",
               "find('d')", "startswith('a')", "zfill(6)", "items()", "get('a', 'n')", "keys()|list", "index(3)", "count('1')", "removeprefix('a')"]
    binary = ["+", "-", "*", "/", "//", "%", "~", "==", "!=", "<", ">", "<=", ">=", "in", "not in", "and", "or"]

    def expression(depth):
        kind = rng.random()
        if depth <= 0 or kind < 0.3:
            return rng.choice(values)
        if kind < 0.55:
            return f"({expression(depth - 1)})|{rng.choice(filters)}"
        if kind < 0.65:
            return f"({expression(depth - 1)}) is {rng.choice(['', 'not '])}{rng.choice(tests)}"
        if kind < 0.72:
            return f"({expression(depth - 1)}).{rng.choice(methods)}"
        if kind < 0.9:
            return f"({expression(depth - 1)} {rng.choice(binary)} {expression(depth - 1)})"
        return f"({expression(depth - 1)} if {expression(depth - 1)} else {expression(depth - 1)})"

    def block(depth):
        kind = rng.random()
        dash = lambda: rng.choice(["", "", "-"])
        gap = lambda: rng.choice(["", " ", "\n", "\n  ", "  \n\t"])
        if depth <= 0 or kind < 0.6:
            return gap() + "{{" + dash() + " " + expression(2) + " " + dash() + "}}" + gap()
        if kind < 0.75:
            return (gap() + "{%" + dash() + f" if {expression(1)} " + dash() + "%}" + block(depth - 1) + "{%" + dash() + " else " + dash() + "%}"
                    + block(depth - 1) + "{%" + dash() + " endif " + dash() + "%}" + gap())
        if kind < 0.9:
            return (gap() + "{%" + dash() + f" for x in {expression(1)} " + dash() + "%}" + "{{ loop.index }}" + block(depth - 1) + "{%" + dash()
                    + " endfor " + dash() + "%}" + gap())
        return gap() + "{%" + dash() + f" set x = {expression(2)} " + dash() + "%}" + "{#" + dash() + " c " + dash() + "#}" + gap()

    return "".join(block(2) for _ in range(rng.randint(1, 3)))


def expected(template, given):
    try:
        return {"text": chat_template_utils._compile_jinja_template(template).render(**copy.deepcopy(given))}  # xs|indent changes a list
    except Exception as error:  # whatever it raises, the template has failed
        return {"error": f"{type(error).__name__}: {error}"}


def rendered(program, cases):
    """What the helper program gives for each {"template", "variables"}."""
    lines = "".join(json.dumps(case) + "\n" for case in cases)
    answer = subprocess.run([program], input=lines.encode(), stdout=subprocess.PIPE, check=True)
    return [json.loads(line) for line in answer.stdout.splitlines()]


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("render")
    options.add_argument("--model-dir")
    options.add_argument("--record")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--count", type=int, default=5000)
    options.add_argument("--templates", nargs="+", metavar="DIR")
    args = options.parse_args()
    if args.templates:
        return 1 if template_folders.report(args.templates, lambda cases: rendered(args.render, cases)) else 0

    cases = []  # (group, template, variables)
    for path in sorted((HERE / "chat_templates").glob("*.jinja")):
        text = path.read_text(encoding="utf-8")
        cases += [(path.stem, text, v) for v in variables()]
    for group, snippets in template_snippets.SNIPPETS.items():
        cases += [("snippets_" + group, s, template_snippets.VARIABLES) for s in snippets]
    recorded = len(cases)
    if args.model_dir:
        text = (pathlib.Path(args.model_dir) / "chat_template.jinja").read_text(encoding="utf-8")
        cases += [("model", text, v) for v in variables()]
    rng = random.Random(args.seed)
    cases += [("random", random_template(rng), template_snippets.VARIABLES) for _ in range(args.count)]

    ours = rendered(args.render, [{"template": t, "variables": v} for _, t, v in cases])
    theirs = [expected(t, v) for _, t, v in cases]
    assert len(ours) == len(cases)

    wrong = refused = failed = 0
    for (group, template, given), mine, other in zip(cases, ours, theirs):
        failed += "error" in other
        if group == "random" and "error" in mine and "not supported" in mine["error"] and "text" in other:
            refused += 1  # we may know less than Jinja2, if we say so
            continue
        if mine.get("text") == other.get("text"):
            continue
        wrong += 1
        if wrong <= 15:
            print(f"DIFFERS ({group}): {template[-300:]!r}\n   ours  {mine}\n   Jinja {other}")
    print(f"{len(cases) - wrong} of {len(cases)} equal ({failed} of them are errors in Jinja2; {refused} random ones refused by us)")

    if args.record:
        groups = {}
        for number, ((group, template, given), other) in enumerate(list(zip(cases, theirs))[:recorded]):
            case = {"variables": given, **({"text": other["text"]} if "text" in other else {"error": True})}
            if group.startswith("snippets_"):
                groups.setdefault(group, {"variables": given, "cases": []})["cases"].append(
                    {"template": template, **{k: v for k, v in case.items() if k != "variables"}})
            elif number % 4 == 0:  # a quarter is enough to keep
                groups.setdefault(group, {"template": template, "cases": []})["cases"].append(case)
        for group, content in groups.items():
            (pathlib.Path(args.record) / f"{group}.json").write_text(json.dumps(content, ensure_ascii=False) + "\n", encoding="utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
