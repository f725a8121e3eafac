// SPDX-License-Identifier: Apache-2.0
#include <unordered_map>

#include "core/strings.hpp"
#include "datarules/canonical_text.hpp"
#include "datarules/duplicates.hpp"
#include "datarules/rule_table.hpp"

namespace pst::datarules {
namespace {

constexpr const char* kCanonical = "texts compared as datatrove does, but for numbers, which stay";
constexpr Rule kRepeat{"repeated-record", Level::warning, "a record that is there before", "leave it out", {},
                       kCanonical};
constexpr Rule kConflict{"conflicting-answer",
                         Level::warning,
                         "a prompt that is there before, with another answer",
                         "keep the answer that is right, unless both are",
                         {8, "words of a prompt at least"},
                         kCanonical};
constexpr Rule kSeveral{"several-answers",
                        Level::info,
                        "a short prompt that is there before, with another answer",
                        "none, where variety is meant",
                        {},
                        kCanonical};
constexpr Rule kLeak{"leaked-record",
                     Level::error,
                     "a validation record that is in the training data",
                     "leave it out of one: a validation loss on what was trained says nothing",
                     {},
                     kCanonical};
constexpr Rule kPromptLeak{"leaked-prompt",
                           Level::warning,
                           "a validation prompt that is in the training data, with another answer",
                           "divide by prompt: `data split --by prompt`",
                           {8, "words of a prompt at least"},
                           kCanonical};

class DuplicateChecker final : public Checker {
 public:
  explicit DuplicateChecker(const RuleChoices& choices)
      : least_conflict_(choices.limit(kConflict)), least_leak_(choices.limit(kPromptLeak)) {}

  void look(const RecordView& record, Findings& findings) override {
    const Compared texts = compared(record);
    if (texts.prompt.empty() && texts.answer.empty()) return;
    const TextKey whole = key_of(cat(texts.prompt, '\x1f', texts.answer));
    const auto [found, is_new] = records_.try_emplace(whole, Seen{record.place, record.split});
    if (!is_new) {
      const Seen& before = found->second;
      const bool leaks = record.split == Split::validation && before.split == Split::train;
      findings.add(leaks ? kLeak : kRepeat, record.place, [&] {
        return Hit{cat("as in ", findings.place_text(before.place)), {}, sample_of(record)};
      });
      return;
    }
    // Of preferences several for a prompt are usual.
    if (texts.prompt.empty() || record.example == nullptr || record.is_bad) return;
    const auto [prompt, is_first] = prompts_.try_emplace(key_of(texts.prompt), Seen{record.place, record.split});
    if (is_first) return;
    const Seen& before = prompt->second;
    const auto words = static_cast<double>(words_of(texts.prompt).size());
    const bool leaks = record.split == Split::validation && before.split == Split::train;
    if (leaks && words < least_leak_) return;
    findings.add(leaks                     ? kPromptLeak
                 : words < least_conflict_ ? kSeveral
                                           : kConflict,
                 record.place, [&] {
                   return Hit{cat("the prompt is that of ", findings.place_text(before.place)), {}, sample_of(record)};
                 });
  }

 private:
  struct Seen {
    Place place;
    Split split;
  };
  static std::string sample_of(const RecordView& record) {
    constexpr std::size_t kShown = 60;
    for (const Text& text : record.texts)
      if (text.role != "system") return excerpt(text.text, 0, kShown);
    return {};
  }

  double least_conflict_, least_leak_;
  std::unordered_map<TextKey, Seen, TextKeyHash> records_, prompts_;
};

}  // namespace

Compared compared(const RecordView& record) {
  const Asked asked = asked_of(record);
  return {canonical(asked.prompt), canonical(asked.answer)};
}

const RuleFamily kDuplicateRules{
    []() -> RuleGroup {
      return {"Repeats and leaks", {&kRepeat, &kConflict, &kSeveral, &kLeak, &kPromptLeak}};
    },
    [](const CheckContext&, const RuleChoices& choices) -> std::unique_ptr<Checker> {
      return std::make_unique<DuplicateChecker>(choices);
    }};

}  // namespace pst::datarules
