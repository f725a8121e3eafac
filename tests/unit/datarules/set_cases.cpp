// SPDX-License-Identifier: Apache-2.0
// Rules on more than one record.
#include "rule_case.hpp"

namespace pst::datarules::fixture {
namespace {

const std::string kLong = "Where do all the storks of the north go in winter?";

std::string numbered(int count, const std::string& begin, const std::string& end = "") {
  std::string all;
  for (int i = 0; i < count; ++i) all += pair(cat("Question ", i, "?"), cat(begin, i, end));
  return all;
}

std::string preference(const std::string& chosen, const std::string& rejected, const std::string& more = "") {
  return cat(R"({"prompt": "Why?", "chosen": ")", chosen, R"(", "rejected": ")", rejected, "\"", more, "}\n");
}

std::string numbered_pairs(int count, const std::string& chosen, const std::string& rejected) {
  std::string all;
  for (int i = 0; i < count; ++i)
    all += preference(cat(chosen, i, i % 2 == 0 ? " x x" : ""), cat(rejected, i, i % 2 == 0 ? "" : " x x"));
  return all;
}

std::string labelled(int good, int bad) {
  std::string all;
  for (int i = 0; i < good + bad; ++i)
    all += cat(R"({"prompt": "Question )", i, R"(?", "completion": "Answer )", i, R"(.", "label": )",
               i < good ? "true" : "false", "}\n");
  return all;
}

std::string with_prompts(const std::string& one, const std::string& other) {
  const auto side = [](const std::string& question, const std::string& reply) {
    return cat(R"([{"role": "user", "content": ")", question, R"("}, {"role": "assistant", "content": ")", reply,
               "\"}]");
  };
  return cat(R"({"chosen": )", side(one, "Yes."), R"(, "rejected": )", side(other, "No."), "}\n");
}

}  // namespace

std::vector<RuleCase> set_cases() {
  const std::string stork = pair(kLong, "They go south."), other = pair(kLong, "They stay at home.");
  const std::string prose_one = pair(prose(40), "Yes."), prose_two = pair("Now " + prose(40), "Yes.");
  const std::string opening = "It is a truth that all men know of, that ";
  return {
      {.rule = "repeated-record",
       .trips = stork + pair("where do all the storks of the north go in winter", "They go south"),
       .clean = pair("What is 2 + 2?", "It is 4.") + pair("What is 2 + 3?", "It is 5."),
       .line = "2"},
      {.rule = "conflicting-answer", .trips = stork + other, .clean = stork + stork, .line = "2"},
      {.rule = "several-answers",
       .trips = pair("Hello?", "Hi.") + pair("Hello?", "Good day."),
       .clean = stork + other,
       .line = "2"},
      {.rule = "leaked-record",
       .trips = stork,
       .clean = stork,
       .validation_trips = stork,
       .validation_clean = other,
       .line = "validation"},
      {.rule = "leaked-prompt",
       .trips = stork,
       .clean = stork,
       .validation_trips = other,
       .validation_clean = pair("Where do they go?", "They stay at home."),
       .line = "validation"},
      {.rule = "near-repeat", .trips = prose_one + prose_two, .clean = prose_one + prose_one, .line = "2"},
      {.rule = "near-repeat",
       .trips = prose_one + prose_two,
       .clean = pair(prose(40), "Yes.") + pair(prose(20) + " but then it was all quite different for us", "Yes."),
       .line = "2"},
      {.rule = "near-leak",
       .trips = prose_one,
       .clean = prose_one,
       .validation_trips = prose_two,
       .validation_clean = stork,
       .line = "validation"},
      {.rule = "same-opening", .trips = numbered(120, opening), .clean = numbered(99, opening)},
      {.rule = "same-opening", .trips = numbered(120, opening), .clean = numbered(120, "It is ")},
      {.rule = "same-answer",
       .trips = numbered(120, "I will send you the answer soon as number ") +
                times(3, pair("x", "We do not know it at all.")),
       .clean = numbered(120, "I will send you the answer soon as number "),
       .line = "121"},
      {.rule = "one-class-dominates",
       .trips = times(95, pair("good", "positive")) + times(5, pair("bad", "negative")),
       .clean = times(60, pair("good", "positive")) + times(40, pair("bad", "negative"))},
      {.rule = "rare-class",
       .trips = times(60, pair("good", "positive")) + times(5, pair("bad", "negative")),
       .clean = times(60, pair("good", "positive")) + times(40, pair("bad", "negative")),
       .line = "61"},
      {.rule = "few-records", .trips = stork, .clean = numbered(10, "x")},

      {.rule = "same-pair", .trips = preference("Yes.", "Yes."), .clean = preference("Yes.", "No.")},
      {.rule = "pair-differs-in-blanks",
       .trips = preference("Yes it is.", "Yes  it is. "),
       .clean = preference("Yes.", "No.")},
      {.rule = "pair-differs-in-blanks",
       .trips = preference("<think>Hm.</think>Yes.", "Yes."),
       .clean = preference("<think>Hm.</think>Yes.", "No.")},
      {.rule = "pair-both-ways",
       .trips = preference("Yes.", "No.") + preference("No.", "Yes."),
       .clean = preference("Yes.", "No.") + preference("Yes.", "Never."),
       .line = "2"},
      {.rule = "scores-against-pair",
       .trips = preference("Yes.", "No.", R"(, "score_chosen": 2, "score_rejected": 7.5)"),
       .clean = preference("Yes.", "No.", R"(, "score_chosen": 7.5, "score_rejected": 2)")},
      {.rule = "pair-of-other-prompts", .trips = with_prompts("Why?", "Who?"), .clean = with_prompts("Why?", "Why?")},
      {.rule = "refusal-chosen",
       .trips = preference("I cannot help with that.", "It is easy."),
       .clean = preference("It is easy.", "I cannot help with that.")},
      {.rule = "length-bias",
       .trips = numbered_pairs(40, "a b c d e f g h i ", "a "),
       .clean = numbered_pairs(40, "a ", "b "),
       .line = ""},
      {.rule = "chosen-longer",
       .trips = numbered_pairs(40, "a b c d e f g h i ", "a "),
       .clean = numbered_pairs(40, "a ", "b "),
       .line = ""},
      {.rule = "one-label", .trips = labelled(0, 5), .clean = labelled(3, 5)},
      {.rule = "label-balance", .trips = labelled(10, 5), .clean = labelled(6, 5)},
  };
}

}  // namespace pst::datarules::fixture
