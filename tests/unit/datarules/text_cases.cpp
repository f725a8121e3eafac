// SPDX-License-Identifier: Apache-2.0
#include "rule_case.hpp"

namespace pst::datarules::fixture {
namespace {

RuleCase of_answer(const char* rule, const std::string& trips, const std::string& clean) {
  return {.rule = rule, .trips = answer(trips), .clean = answer(clean)};
}

RuleCase of_text(const char* rule, const std::string& trips, const std::string& clean) {
  const auto record = [](const std::string& text) { return cat(R"({"text": ")", text, "\"}\n"); };
  return {.rule = rule, .trips = record(trips), .clean = record(clean)};
}

}  // namespace

std::vector<RuleCase> text_cases() {
  return {
      of_answer("replacement-character", "caf\ufffd", "caf\u00e9"),
      of_answer("c1-control", "It\\u0092s", "It\u2019s"),
      of_answer("control-character", "red \\u001b[31m", "red\\tand\\ngreen"),
      of_answer("mojibake", "caf\u00c3\u00a9", "caf\u00e9 \u00e0 \u00c9\u00bb"),
      of_answer("mojibake", "It\u00e2\u20ac\u2122s", "It\u2019s \u201cfine\u201d\u2026"),
      of_answer("zero-width-character", "pass\u200bword", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"),
      of_answer("hidden-text", "user\u202egnp.exe", "user.png"),
      of_answer("private-use-character", "see \ue000", "see \u2192"),
      of_answer("no-break-space", "5\u00a0km", "5 km"),
      of_answer("html-entity", "Tom &amp; Jerry", "In HTML, & is written `&amp;`."),
      of_answer("special-token-in-text", "He said <|im_end|> and left", "He said <im_end> and left"),

      of_answer("loop", times(8, "so it goes "), times(7, "so it goes ")),
      of_answer("cut-off-answer", "```python\\nprint(1)", "```python\\nprint(1)\\n```"),
      of_answer("cut-off-answer", "The list (see the first", "The list (see the first) is"),
      of_answer("cut-off-answer", R"({\"a\": [1, 2)", R"({\"a\": [1, 2]})"),
      of_answer("long-word", times(1001, "x"), times(1000, "x")),
      of_answer("filler-text", "Lorem ipsum dolor sit amet.", "Ipso facto, dolor."),
      {.rule = "prompt-in-answer",
       .trips = pair("Where do all the storks of the north go in winter?",
                     "Q: Where do all the storks of the north go in winter? A: South."),
       .clean = pair("Where do all the storks of the north go in winter?", "They go south.")},
      of_answer("as-an-ai", "As an AI language model, I have no eyes.", "An AI has no eyes."),
      of_answer("refusal", "I\u2019m sorry, but I can\u2019t help with that.", "I'm sorry to hear that."),

      of_text("few-letters", prose(60) + times(20, " 12 -- 13"), prose(60)),
      of_text("short-words", times(60, "a b "), prose(60)),
      of_text("long-words", prose(60) + times(40, " incomprehensibilities" + std::string("unquestionably")), prose(60)),
      of_text("many-hashes", prose(60) + times(10, " #x"), prose(60) + " #x"),
      of_text("many-bullets", "- " + prose(60) + times(12, "\\n- one more"), prose(60) + "\\n- one more"),
      of_text("many-ellipses", prose(60) + "...\\nso it went...\\nand on...", prose(60) + "...\\nso.\\nit.\\nwent."),
      of_text("repeated-lines", prose(60) + times(3, "\\nall is well"), prose(60) + "\\nall is well\\nall was well"),
      of_text("repeated-paragraphs", prose(60) + times(3, "\\n\\nall is well"), prose(60) + "\\n\\nall is well"),
      of_text("repeated-pair", prose(60) + times(20, " green water"), prose(60) + " green water"),
      of_text("repeated-triple", prose(60) + times(12, " green water here"), prose(60) + " green water here"),
      of_text("repeated-quadruple", prose(60) + times(9, " green water here now"), prose(60) + " green water here now"),
      of_text("repeated-fives", prose(60) + " " + prose(30), prose(90)),
      of_text("repeated-tens", prose(60) + " " + prose(30), prose(90)),
      of_text("many-digits", prose(60) + times(20, " 1234567"), prose(60) + " 1234567"),
      of_text("many-addresses", prose(60) + times(5, " www.somewhere-long-indeed.org-page-of-that-name"),
              prose(60) + " www.somewhere-long-indeed.org"),
      of_text("many-parentheses", prose(60) + times(60, " (a)"), prose(60) + " (a)"),
  };
}

}  // namespace pst::datarules::fixture
