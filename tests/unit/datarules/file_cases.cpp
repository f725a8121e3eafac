// SPDX-License-Identifier: Apache-2.0
#include "rule_case.hpp"

namespace pst::datarules::fixture {

std::vector<RuleCase> file_cases() {
  const std::string good = answer("Because it is.");
  return {
      {.rule = "not-data", .trips = "<!doctype html><html>404</html>", .clean = good, .line = ""},
      {.rule = "not-data",
       .trips = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n",
       .clean = good,
       .line = ""},
      {.rule = "not-data", .trips = "PK\x03\x04 and more", .clean = good, .line = ""},
      {.rule = "not-data", .trips = "\x89PNG\r\n\x1a\n and more", .clean = good, .line = ""},
      {.rule = "broken-record", .trips = good + "{\"prompt\": \n" + good, .clean = good + good, .line = "2"},
      {.rule = "broken-record", .trips = good + "{\"prompt\": \"\xff\"}\n", .clean = good + good, .line = "2"},
      {.rule = "wrong-shape",
       .trips = good + R"({"prompt": 3, "completion": "x"})" + "\n",
       .clean = good + good,
       .line = "2"},
      {.rule = "no-records", .trips = R"({"prompt": 3, "completion": "x"})", .clean = good, .line = ""},

      {.rule = "no-answer", .trips = chat({"user", "Hello?"}), .clean = chat({"user", "Hello?", "assistant", "Hi."})},
      {.rule = "empty-answer", .trips = answer(" "), .clean = answer("x")},
      {.rule = "empty-answer",
       .trips = chat({"user", "Hello?", "assistant", ""}),
       .clean = chat({"user", "Hello?", "assistant", "Hi."})},
      {.rule = "empty-prompt", .trips = pair("", "x"), .clean = pair("x", "x")},
      {.rule = "empty-text", .trips = R"({"text": "  "})", .clean = R"({"text": "x"})"},
      {.rule = "unknown-role",
       .trips = chat({"user", "Hello?", "assistant", "Hi.", "narrator", "He left."}),
       .clean = chat({"user", "Hello?", "assistant", "Hi.", "tool", "He left."})},
      {.rule = "same-role-twice",
       .trips = chat({"user", "Hello?", "user", "You?", "assistant", "Hi."}),
       .clean = chat({"user", "Hello?", "assistant", "Hi.", "user", "You?", "assistant", "Yes."})},
      {.rule = "answer-first",
       .trips = chat({"assistant", "Hi.", "user", "Hello?", "assistant", "Hi."}),
       .clean = chat({"system", "Be kind.", "user", "Hello?", "assistant", "Hi."})},
      {.rule = "late-system",
       .trips = chat({"user", "Hello?", "system", "Be kind.", "assistant", "Hi."}),
       .clean = chat({"system", "Be kind.", "user", "Hello?", "assistant", "Hi."})},
      {.rule = "unanswered-end",
       .trips = chat({"user", "Hello?", "assistant", "Hi.", "user", "Well?"}),
       .clean = chat({"user", "Hello?", "assistant", "Hi."})},
  };
}

}  // namespace pst::datarules::fixture
