// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <unordered_map>

#include "core/keyed_hash.hpp"
#include "core/strings.hpp"
#include "core/text_search.hpp"
#include "datarules/answer_text.hpp"
#include "datarules/canonical_text.hpp"
#include "datarules/rule_table.hpp"

namespace pst::datarules {
namespace {

constexpr const char* kOurs = "ours";
constexpr Rule kLoop{"loop",
                     Level::warning,
                     "the same 1 to 32 words many times in a row",
                     "leave the record out: a model learns to loop",
                     {8, "times"},
                     kOurs};
constexpr Rule kCutOff{"cut-off-answer",
                       Level::warning,
                       "an answer without an end mark in which a code fence, a bracket, a quotation or JSON is open",
                       "let it be written again with a higher limit of tokens",
                       {},
                       kOurs};
constexpr Rule kAsAnAi{"as-an-ai",
                       Level::warning,
                       "an answer that says \"as an AI language model\" or the like",
                       "leave it out, unless the model is to say so",
                       {},
                       "Vicuna's and others' cleaning"};
constexpr Rule kRefusal{"refusal", Level::info, "an answer that begins with a refusal, in English",
                        "a model learns how often to refuse from such answers"};
constexpr Rule kEcho{"prompt-in-answer",
                     Level::warning,
                     "an answer that has the whole prompt in it",
                     "take the prompt out of the answer",
                     {40, "characters of a prompt at least"},
                     kOurs};
constexpr Rule kLongWord{"long-word",
                         Level::warning,
                         "a word that is very long: data in base64, a broken text",
                         "leave the record out, or cut the word",
                         {1000, "characters"},
                         "C4 (arXiv:1910.10683)"};
constexpr Rule kFiller{"filler-text",
                       Level::warning,
                       "\"lorem ipsum\", or a notice that JavaScript or cookies are needed",
                       "leave the record out",
                       {},
                       "C4 (arXiv:1910.10683)"};
constexpr Rule kSameOpening{"same-opening",
                            Level::warning,
                            "answers that begin with the same 8 words",
                            "vary them, unless the model is to begin so",
                            {0.05, "of the answers"},
                            kOurs};
constexpr Rule kSameAnswer{
    "same-answer",        Level::warning,           "one answer, of more than 5 words, to many prompts",
    "keep a few of them", {0.01, "of the answers"}, kOurs};

class AnswerChecker final : public Checker {
 public:
  explicit AnswerChecker(const RuleChoices& choices)
      : rounds_(static_cast<std::size_t>(std::max(2.0, choices.limit(kLoop)))),
        longest_(static_cast<std::size_t>(std::max(1.0, choices.limit(kLongWord)))),
        least_prompt_(static_cast<std::size_t>(std::max(1.0, choices.limit(kEcho)))) {}

  void look(const RecordView& record, Findings& findings) override {
    std::string_view prompt;
    for (const Text& text : record.texts) {
      const auto words = words_of(text.text);
      look_at_words(record, text, words, findings);
      if (text.is_answer) look_at_answer(record, text, words, prompt, findings);
      if (text.role == "user" || text.part == std::string_view("prompt")) prompt = trim(text.text);
    }
  }

  void finish(Findings& findings) override {
    tell_of(openings_, kSameOpening, findings);
    tell_of(answers_, kSameAnswer, findings);
  }

 private:
  /// How often a text was there, and where first.
  struct Times {
    std::int64_t count = 0;
    Place first;
    std::string sample;
  };
  using Table = std::unordered_map<TextKey, Times, TextKeyHash>;

  void look_at_words(const RecordView& record, const Text& text, const std::vector<std::string_view>& words,
                     Findings& findings) const {
    for (const auto word : words)
      if (word.size() > longest_) {
        const auto at = static_cast<std::size_t>(word.data() - text.text.data());
        findings.add(kLongWord, record, text, cat("it has ", grouped(static_cast<std::int64_t>(word.size())), " bytes"),
                     at, at + 20);
        break;
      }
    if (const auto loop = find_loop(words, rounds_)) {
      const auto at = static_cast<std::size_t>(words[loop->first].data() - text.text.data());
      findings.add(kLoop, record, text,
                   cat(loop->length, loop->length == 1 ? " word, " : " words, ", loop->times, " times"), at, at);
    }
    for (const std::string_view filler : {"orem ipsum dolor", "nable JavaScript", "nable javascript", "e use cookies"})
      if (const auto at = text.text.find(filler); at != text.text.npos) findings.add(kFiller, record, text, {}, at, at);
  }

  void look_at_answer(const RecordView& record, const Text& text, const std::vector<std::string_view>& words,
                      std::string_view prompt, Findings& findings) {
    if (const auto open = open_at_end(text.text))
      findings.add(kCutOff, record, text, cat("open: ", *open), text.text.size(), text.text.size());
    if (const auto at = find_as_an_ai(text.text)) findings.add(kAsAnAi, record, text, {}, *at, *at + 20);
    if (is_refusal(text.text)) findings.add(kRefusal, record, text, {}, 0, 40);
    if (prompt.size() >= least_prompt_)
      if (const auto at = find_text(text.text, prompt); at != text.text.npos)
        findings.add(kEcho, record, text, {}, at, at + 40);
    ++count_;
    constexpr std::size_t kOpening = 8, kLabel = 5;
    if (words.size() > kOpening)
      count(openings_, text.text.substr(0, static_cast<std::size_t>(words[kOpening - 1].end() - text.text.begin())),
            record);
    if (words.size() > kLabel) count(answers_, text.text, record);
  }

  static void count(Table& table, std::string_view text, const RecordView& record) {
    Times& times = table[key_of(text)];
    if (times.count++ == 0) times.first = record.place;
    if (times.count == 2) times.sample = excerpt(text, 0, 60);
  }

  void tell_of(const Table& table, const Rule& rule, Findings& findings) const {
    constexpr std::int64_t kFewest = 100;  // of so few answers a share says nothing
    if (count_ < kFewest) return;
    for (const auto& [key, times] : table) {
      const double part = static_cast<double>(times.count) / static_cast<double>(count_);
      if (part <= findings.choices().limit(rule)) continue;
      const auto& found = times;
      findings.add(rule, found.first, [&] {
        return Hit{cat(grouped(found.count), " of ", grouped(count_), " answers, ", fixed(100 * part, 1),
                       " %; here the first"),
                   {},
                   found.sample};
      });
    }
  }

  std::size_t rounds_, longest_, least_prompt_;
  std::int64_t count_ = 0;
  Table openings_, answers_;
};

}  // namespace

const RuleFamily kAnswerRules{
    []() -> RuleGroup {
      return {"Texts and answers",
              {&kLoop, &kCutOff, &kLongWord, &kFiller, &kEcho, &kAsAnAi, &kRefusal, &kSameOpening, &kSameAnswer}};
    },
    [](const CheckContext&, const RuleChoices& choices) -> std::unique_ptr<Checker> {
      return std::make_unique<AnswerChecker>(choices);
    }};

}  // namespace pst::datarules
