// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "core/strings.hpp"
#include "data/example.hpp"
#include "datarules/rule_table.hpp"

namespace pst::datarules {
namespace {

constexpr Rule kEmptyAnswer{"empty-answer", Level::warning, "an answer without a character: only its end is learned",
                            "fill it in, or leave the record out"};
constexpr Rule kEmptyPrompt{"empty-prompt", Level::warning, "a question without a character",
                            "fill it in; for texts without a question take the key \"text\""};
constexpr Rule kEmptyText{"empty-text", Level::warning, "a text without a character", "leave the record out"};
constexpr Rule kNoAnswer{"no-answer", Level::error,
                         "a conversation without a turn of the assistant: nothing is learned",
                         "name the role `assistant`, or leave the record out"};
constexpr Rule kLastTurn{"unanswered-end", Level::info, "a conversation that does not end with the assistant's turn",
                         "nothing is learned of its last turn"};
constexpr Rule kFirstTurn{"answer-first", Level::warning, "a conversation that begins with the assistant's turn",
                          "put the question before it"};
constexpr Rule kTwice{"same-role-twice", Level::warning, "two turns of the user, or two of the assistant, in a row",
                      "put them together; some chat templates refuse them"};
constexpr Rule kLateSystem{"late-system", Level::warning, "a system message that does not come first",
                           "put it first; many chat templates refuse it elsewhere, or drop it"};
constexpr Rule kUnknownRole{"unknown-role", Level::warning,
                            "a role that is none of system, developer, user, assistant, tool, function, ipython",
                            "rename it, unless the model's chat template knows it"};

bool is_blank(std::string_view text) { return trim(text).empty(); }

bool is_known(std::string_view role) {
  constexpr std::array<std::string_view, 7> kKnown = {"system", "developer", "user",   "assistant",
                                                      "tool",   "function",  "ipython"};
  for (const auto known : kKnown)
    if (role == known) return true;
  return false;
}

class TurnChecker final : public Checker {
 public:
  void look(const RecordView& record, Findings& findings) override {
    if (record.example == nullptr) return;
    switch (record.example->kind) {
      case data::Example::Kind::chat: look_at_turns(record, findings); break;
      case data::Example::Kind::pair:
        if (is_blank(record.texts[0].text)) tell(kEmptyPrompt, record, findings);
        if (is_blank(record.texts[1].text)) tell(kEmptyAnswer, record, findings);
        break;
      case data::Example::Kind::text:
        if (is_blank(record.texts[0].text)) tell(kEmptyText, record, findings);
        break;
    }
  }

 private:
  static void tell(const Rule& rule, const RecordView& record, Findings& findings, const std::string& detail = {}) {
    findings.add(rule, record.place, [&] { return Hit{detail}; });
  }

  static void look_at_turns(const RecordView& record, Findings& findings) {
    bool has_begun = false, has_answer = false;
    std::string_view before;
    const auto& messages = record.example->messages;
    for (std::size_t i = 0; i < messages.size(); ++i) {
      const auto& message = messages[i];
      const std::string& role = message["role"].get_ref<const std::string&>();
      const std::string& content = message["content"].get_ref<const std::string&>();
      const std::string where = cat("message ", i + 1);
      if (!is_known(role)) tell(kUnknownRole, record, findings, cat(where, " has the role ", quoted(role, 40)));
      if (role == "system" && has_begun) tell(kLateSystem, record, findings, where);
      if (role != "system" && role != "developer") {
        if (!has_begun && role == "assistant") tell(kFirstTurn, record, findings);
        has_begun = true;
      }
      if (role == before && (role == "user" || role == "assistant")) tell(kTwice, record, findings, where);
      const bool says_nothing = is_blank(content) && !data::has_calls(message) && message.size() <= 2;
      if (role == "assistant") {
        has_answer = true;
        if (says_nothing) tell(kEmptyAnswer, record, findings, where);
      } else if (role == "user" && says_nothing) {
        tell(kEmptyPrompt, record, findings, where);
      }
      before = role;
    }
    if (!has_answer)
      tell(kNoAnswer, record, findings);
    else if (before != "assistant")
      tell(kLastTurn, record, findings, cat("it ends with the role ", quoted(before, 40)));
  }
};

}  // namespace

const RuleFamily kTurnRules{[]() -> RuleGroup {
                              return {"Turns",
                                      {&kNoAnswer, &kEmptyAnswer, &kEmptyPrompt, &kEmptyText, &kUnknownRole, &kTwice,
                                       &kFirstTurn, &kLateSystem, &kLastTurn}};
                            },
                            [](const CheckContext&, const RuleChoices&) -> std::unique_ptr<Checker> {
                              return std::make_unique<TurnChecker>();
                            }};

}  // namespace pst::datarules
