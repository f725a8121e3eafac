# SPDX-License-Identifier: Apache-2.0
"""Conversations that chat templates are tried with: what a template is given, one entry a conversation."""

WEATHER = {"type": "function", "function": {
    "name": "get_weather", "description": "Weather of a place.\nMay be <old> & \"wrong\".",
    "parameters": {"type": "object", "properties": {
        "place": {"type": "string", "description": "City, e.g. Zürich 🏔"},
        "days": {"type": "array", "items": {"type": "integer"}, "description": "Days from today"},
        "unit": {"type": "string", "enum": ["C", "F"], "default": "C"},
        "where": {"type": "object", "properties": {"lat": {"type": "number"}, "lon": {"type": ["number", "null"]}}, "required": ["lat"]}},
        "required": ["place"]}}}
CLOCK = {"type": "function", "function": {"name": "clock", "description": "The time.", "parameters": {"type": "object", "properties": {}}}}
TOOLS = [WEATHER, CLOCK]

DOCUMENTS = [{"title": "Alps", "text": "The Alps are high.\nVery."}, {"title": "Sea \"level\"", "text": "Zero."}]


def call(name="get_weather", arguments=None, number=1):
    given = {"place": "Köln", "unit": "C", "days": [1, 2], "x": 1.5, "ok": True, "none": None, "where": {"lat": 50}} if arguments is None else arguments
    return {"id": f"call0000{number}", "type": "function", "function": {"name": name, "arguments": given}}


def user(content):
    return {"role": "user", "content": content}


def assistant(content, **more):
    return {"role": "assistant", "content": content, **more}


def tool(content, number=1, name="get_weather"):
    return {"role": "tool", "content": content, "tool_call_id": f"call0000{number}", "name": name}


def system(content):
    return {"role": "system", "content": content}


ASKED = user("What is the weather in Köln?")
CALLED = assistant("", tool_calls=[call()])

CONVERSATIONS = {
    "plain": {"messages": [user("Hello")]},
    "answered": {"messages": [user("Hello"), assistant("Hi there.")]},
    "system first": {"messages": [system(" Be brief. "), user("  Hi!\n"), assistant("Hi.  "), user("More")]},
    "several turns": {"messages": [user("a"), assistant("b"), user("c"), assistant("d"), user("e"), assistant("f")]},
    "system late": {"messages": [user("a"), assistant("b"), system("Now be long."), user("c"), assistant("d")]},
    "developer": {"messages": [{"role": "developer", "content": "Obey."}, user("a"), assistant("b")]},
    "unicode": {"messages": [user("日本語 😀 é\u0301 <b>&'\"\\ {{ x }} {% y %}"), assistant("\n\nok\r\n\tyes")]},
    "empty content": {"messages": [user(""), assistant(""), user("again")]},
    "two users": {"messages": [user("a"), user("b")]},
    "assistant first": {"messages": [assistant("I start"), user("You may not")]},
    "parts": {"messages": [system([{"type": "text", "text": "Be brief."}]), user([{"type": "text", "text": " see "}, {"type": "text", "text": "this"}]), assistant([{"type": "text", "text": "ok"}])]},
    "tools unused": {"messages": [user("Hello"), assistant("Hi")], "tools": TOOLS},
    "call": {"messages": [system("s"), ASKED, CALLED, tool("12 °C"), assistant("It is 12 °C.")], "tools": TOOLS},
    "call open": {"messages": [ASKED, CALLED], "tools": TOOLS},
    "call as text": {"messages": [ASKED, assistant("", tool_calls=[call(arguments="{\"place\": \"Köln\"}")]), tool("{\"t\": 12}")], "tools": TOOLS},
    "call without content": {"messages": [ASKED, assistant(None, tool_calls=[call()]), tool("12"), assistant("12")], "tools": [WEATHER]},
    "two calls": {"messages": [ASKED, assistant("calling", tool_calls=[call(), call("clock", {}, 2)]), tool("12"), tool("noon", 2, "clock"), assistant("12, noon"), user("thanks"), assistant("Welcome")], "tools": TOOLS},
    "call without tools": {"messages": [ASKED, CALLED, tool("12"), assistant("12")]},
    "call with reasoning": {"messages": [ASKED, assistant("", reasoning_content="I call.", tool_calls=[call()]), tool("12"), assistant("It is 12.", reasoning_content="Done.\n")], "tools": TOOLS},
    "reasoning": {"messages": [user("q"), assistant("Four.", reasoning_content="why\n"), user("p"), assistant("Five.", reasoning_content="so")]},
    "reasoning as thinking": {"messages": [user("q"), assistant("Four.", thinking="why")]},
    "reasoning in content": {"messages": [user("q"), assistant("<think>\nhmm\n</think>\n\nFour."), user("p"), assistant("<think>\n\n</think>\n\nFive.")]},
    "no thinking": {"messages": [system("s"), user("q")], "enable_thinking": False},
    "thinking": {"messages": [system("s"), user("q"), assistant("a"), user("r")], "enable_thinking": True, "thinking": True, "reasoning_effort": "high"},
    "documents": {"messages": [user("How high?"), assistant("High.")], "documents": DOCUMENTS},
    "named": {"messages": [{"role": "user", "name": "ann", "content": "a"}, assistant("b", name="bot")], "custom_tools": TOOLS, "date_string": "01 Jan 2025"},
    "nothing": {"messages": []},
}


def variables():
    """(name, variables) of every conversation, with and without the prompt for an answer."""
    for name, given in CONVERSATIONS.items():
        for prompt in (True, False):
            yield name, {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>", "tools": None,
                         "documents": None, **given, "add_generation_prompt": prompt}
