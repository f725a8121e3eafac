// SPDX-License-Identifier: Apache-2.0
#include "rule_case.hpp"

namespace pst::datarules::fixture {
namespace {

const char* const kTools =
    R"("tools": [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object",
      "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1}}, "required": ["city"],
      "additionalProperties": false}}}])";

/// A conversation: what the assistant's turn holds, and the turns behind it.
std::string record(const std::string& turn, const std::string& behind = "") {
  std::string text = cat(R"({"messages": [{"role": "user", "content": "Rain?"}, {"role": "assistant", )", turn, "}",
                         behind, "], ", kTools, "}");
  for (char& c : text)
    if (c == '\n') c = ' ';
  return text + "\n";
}
std::string call(const std::string& name, const std::string& arguments, const std::string& id = "1") {
  return cat(R"({"id": ")", id, R"(", "type": "function", "function": {"name": )", name, R"(, "arguments": )",
             arguments, "}}");
}
std::string calls(const std::string& all) { return cat(R"("content": "", "tool_calls": [)", all, "]"); }
std::string told(const std::string& id) {
  return cat(R"(, {"role": "tool", "tool_call_id": ")", id,
             R"(", "content": "Rain."}, {"role": "assistant", "content": "Yes."})");
}

}  // namespace

std::vector<RuleCase> tool_cases() {
  const std::string good = call(R"("weather")", R"({"city": "Bonn"})");
  return {
      {.rule = "call-form", .trips = record(calls(call("3", "{}"))), .clean = record(calls(good))},
      {.rule = "call-of-unknown-tool", .trips = record(calls(call(R"("wether")", "{}"))), .clean = record(calls(good))},
      {.rule = "call-arguments", .trips = record(calls(call(R"("weather")", "[1]"))), .clean = record(calls(good))},
      {.rule = "call-arguments",
       .trips = record(calls(call(R"("weather")", R"("{\"city\": ")"))),
       .clean = record(calls(call(R"("weather")", R"("{\"city\": \"Bonn\"}")")))},
      {.rule = "call-against-schema",
       .trips = record(calls(call(R"("weather")", R"({"days": 2})"))),
       .clean = record(calls(call(R"("weather")", R"({"city": "Bonn", "days": 2})")))},
      {.rule = "call-against-schema",
       .trips = record(calls(call(R"("weather")", R"({"city": "Bonn", "days": "two"})"))),
       .clean = record(calls(good))},
      {.rule = "call-against-schema",
       .trips = record(calls(call(R"("weather")", R"({"city": "Bonn", "days": 0})"))),
       .clean = record(calls(good))},
      {.rule = "call-against-schema",
       .trips = record(calls(call(R"("weather")", R"({"city": "Bonn", "hour": 3})"))),
       .clean = record(calls(good))},
      {.rule = "call-id-twice",
       .trips = record(calls(good + ", " + good)),
       .clean = record(calls(good + ", " + call(R"("weather")", R"({"city": "Bonn"})", "2")))},
      {.rule = "call-unanswered",
       .trips =
           record(calls(good), R"(, {"role": "user", "content": "Well?"}, {"role": "assistant", "content": "Yes."})"),
       .clean = record(calls(good), told("1"))},
      {.rule = "answer-of-no-call", .trips = record(calls(good), told("7")), .clean = record(calls(good), told("1"))},
      {.rule = "call-in-text",
       .trips = record(R"("content": "<tool_call>{}</tool_call>")"),
       .clean = record(R"("content": "I call nobody.")")},
      {.rule = "tool-never-called", .trips = record(R"("content": "I call nobody.")"), .clean = record(calls(good))},
  };
}

}  // namespace pst::datarules::fixture
