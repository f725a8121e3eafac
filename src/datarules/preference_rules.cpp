// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "core/strings.hpp"
#include "datarules/answer_text.hpp"
#include "datarules/canonical_text.hpp"
#include "datarules/model_truth.hpp"
#include "datarules/rule_table.hpp"

namespace pst::datarules {
namespace {

constexpr const char* kOurs = "ours";
constexpr Rule kSame{"same-pair", Level::error, "a preference of a text over the same text: nothing can be learned",
                     "leave it out"};
constexpr Rule kSameCut{
    "same-pair-when-cut",
    Level::error,
    "a preference whose two answers are the same tokens up to data.max_length: the gradient is zero",
    "raise data.max_length, or leave it out",
    {},
    kOurs};
constexpr Rule kFormat{"pair-differs-in-blanks",
                       Level::warning,
                       "a preference whose answers differ in white space or in their `<think>` part alone",
                       "leave it out, unless that is what is to be learned",
                       {},
                       kOurs};
constexpr Rule kBothWays{
    "pair-both-ways",        Level::error, "a preference that another record has the other way round",
    "leave one of them out", {},           kOurs};
constexpr Rule kScores{"scores-against-pair",
                       Level::error,
                       "a chosen answer with a lower score than the rejected one",
                       "exchange them, or correct the scores",
                       {},
                       kOurs};
constexpr Rule kPrompts{"pair-of-other-prompts",
                        Level::error,
                        "two answers that begin with different questions",
                        "pair answers to the same question",
                        {},
                        kOurs};
constexpr Rule kRefusalChosen{
    "refusal-chosen", Level::warning, "a refusal that is preferred to an answer", "see that it is meant", {}, kOurs};
constexpr Rule kLonger{"length-bias",
                       Level::warning,
                       "chosen answers that are longer or shorter than rejected ones in all: length is learned first",
                       "balance the lengths, or take a loss that does not count them",
                       {0.5, "standard deviations (Cohen's d)"},
                       "Cohen 1988"};
constexpr Rule kLongerShare{
    "chosen-longer",       Level::warning,          "the share of pairs whose chosen answer is the longer one",
    "balance the lengths", {0.15, "from one half"}, kOurs};
constexpr Rule kOneClass{"one-label",
                         Level::error,
                         "unpaired preferences of one kind only: nothing can be compared",
                         "add records with the other label",
                         {},
                         "TRL, KTO"};
constexpr Rule kLabels{"label-balance",
                       Level::warning,
                       "unpaired preferences in other shares than 1:1 to 4:3, with weights of 1",
                       "set one of the weights as the finding says",
                       {},
                       "TRL, KTO; arXiv:2402.01306"};

/// The answer of a side: a text, or the turns behind the prompt's.
struct Side {
  std::string question, answer;
};
Side side_of(const RecordView& record, std::string_view key) {
  Side side;
  for (const Text& text : record.texts) {
    if (text.part != key) continue;
    std::string& to = text.is_answer ? side.answer : side.question;
    to += text.text;
    to += '\n';
  }
  return side;
}

std::string without_format(std::string_view text) {
  std::string plain(text);
  if (const auto end = plain.find("</think>"); end != plain.npos && plain.find("<think>") < end)
    plain.erase(plain.find("<think>"), end + 8 - plain.find("<think>"));
  std::string packed;
  for (const char c : plain)
    if (c != ' ' && (c < '\t' || c > '\r')) packed += c;
  return packed;
}

/// Mean and variance of what arrives one by one. @see Welford 1962
struct Moments {
  double count = 0, mean = 0, squares = 0;
  void add(double value) {
    ++count;
    const double before = value - mean;
    mean += before / count;
    squares += before * (value - mean);
  }
  double variance() const { return count > 1 ? squares / (count - 1) : 0; }
};

class PreferenceChecker final : public Checker {
 public:
  explicit PreferenceChecker(const CheckContext& context)
      : model_(context.model), most_(static_cast<std::size_t>(context.settings.max_length)) {}

  void look(const RecordView& record, Findings& findings) override {
    if (record.example != nullptr) {
      (record.is_bad ? bad_ : good_) += 1;
      if (first_.line == 0) first_ = record.place;
      return;
    }
    if (record.format != recipe::DataFormat::preference) return;
    const Side chosen = side_of(record, "chosen"), rejected = side_of(record, "rejected");
    if (chosen.question != rejected.question) tell(kPrompts, record, findings, {});
    if (chosen.answer == rejected.answer) return tell(kSame, record, findings, {});
    look_at_pair(record, chosen, rejected, findings);
    look_at_scores(record, findings);
    look_for_reverse(record, chosen, rejected, findings);
    if (first_.line == 0) first_ = record.place;
    const auto size = [](const Side& side) { return static_cast<double>(words_of(side.answer).size()); };
    chosen_.add(size(chosen));
    rejected_.add(size(rejected));
    if (size(chosen) != size(rejected)) ++of_other_length_;
    if (size(chosen) > size(rejected)) ++longer_;
  }

  void finish(Findings& findings) override {
    constexpr double kFewest = 30;
    if (chosen_.count >= kFewest) look_at_lengths(findings);
    if (bad_ > 0 && good_ == 0)
      findings.add(kOneClass, first_, [&] { return Hit{cat("all ", grouped(bad_), " records are not wanted")}; });
    if (bad_ > 0 && good_ > 0) look_at_labels(findings);
  }

 private:
  static void tell(const Rule& rule, const RecordView& record, Findings& findings, const std::string& detail) {
    findings.add(rule, record.place, [&] { return Hit{detail}; });
  }

  void look_at_pair(const RecordView& record, const Side& chosen, const Side& rejected, Findings& findings) const {
    if (without_format(chosen.answer) == without_format(rejected.answer)) tell(kFormat, record, findings, {});
    if (is_refusal(chosen.answer) && !is_refusal(rejected.answer)) tell(kRefusalChosen, record, findings, {});
    if (model_ == nullptr) return;
    // The prompt takes its part of max_length first.
    std::string prompt;
    for (const Text& text : record.texts)
      if (text.part == std::string_view("prompt")) prompt += text.text;
    const auto taken = model_->tokenizer.encode(prompt + chosen.question).size();
    const std::size_t room = taken < most_ ? most_ - taken : 0;
    auto ids = model_->tokenizer.encode(chosen.answer), others = model_->tokenizer.encode(rejected.answer);
    ids.resize(std::min(ids.size(), room));
    others.resize(std::min(others.size(), room));
    if (ids == others) tell(kSameCut, record, findings, cat(room, " tokens are left for an answer"));
  }

  static void look_at_scores(const RecordView& record, Findings& findings) {
    const auto chosen = record.values->find("score_chosen"), rejected = record.values->find("score_rejected");
    if (chosen == record.values->end() || rejected == record.values->end()) return;
    if (chosen->is_number() && rejected->is_number() && chosen->get<double>() < rejected->get<double>())
      tell(kScores, record, findings,
           cat(number(chosen->get<double>()), " is below ", number(rejected->get<double>())));
  }

  void look_for_reverse(const RecordView& record, const Side& chosen, const Side& rejected, Findings& findings) {
    std::string prompt = chosen.question;
    for (const Text& text : record.texts)
      if (text.part == std::string_view("prompt")) prompt += text.text;
    const auto key = [&](const Side& a, const Side& b) {
      return key_of(cat(prompt, '\x1f', a.answer, '\x1f', b.answer));
    };
    pairs_.try_emplace(key(chosen, rejected), record.place);
    if (const auto reverse = pairs_.find(key(rejected, chosen)); reverse != pairs_.end())
      findings.add(kBothWays, record.place,
                   [&] { return Hit{cat("the other way round in ", findings.place_text(reverse->second))}; });
  }

  void look_at_lengths(Findings& findings) const {
    const double spread = std::sqrt((chosen_.variance() + rejected_.variance()) / 2);
    const double effect = spread > 0 ? (chosen_.mean - rejected_.mean) / spread : 0;
    if (std::abs(effect) > findings.choices().limit(kLonger))
      findings.add(kLonger, {}, [&] {
        return Hit{cat("d = ", fixed(effect, 2), std::abs(effect) > 0.8 ? ", which is strong" : "", "; ",
                       fixed(chosen_.mean, 1), " words against ", fixed(rejected_.mean, 1))};
      });
    if (of_other_length_ == 0) return;
    const double share = longer_ / of_other_length_;
    if (std::abs(share - 0.5) > findings.choices().limit(kLongerShare))
      findings.add(kLongerShare, {},
                   [&] { return Hit{cat(fixed(100 * share, 1), " % of those that differ in length")}; });
  }

  void look_at_labels(Findings& findings) const {
    const double ratio = good_ / bad_;
    constexpr double kMost = 4.0 / 3.0;
    if (ratio >= 1 && ratio <= kMost) return;
    findings.add(kLabels, first_, [&] {
      return Hit{cat(number(good_), " wanted and ", number(bad_), " not; set the weight of the wanted ones to ",
                     fixed(bad_ / good_, 2), " ... ", fixed(kMost * bad_ / good_, 2), ", or that of the others to ",
                     fixed(good_ / (kMost * bad_), 2), " ... ", fixed(good_ / bad_, 2))};
    });
  }

  const ModelTruth* model_;
  std::size_t most_;
  std::unordered_map<TextKey, Place, TextKeyHash> pairs_;
  Moments chosen_, rejected_;
  double longer_ = 0, of_other_length_ = 0, good_ = 0, bad_ = 0;
  Place first_;
};

}  // namespace

const RuleFamily kPreferenceRules{[]() -> RuleGroup {
                                    return {"Preferences",
                                            {&kSame, &kSameCut, &kFormat, &kBothWays, &kScores, &kPrompts,
                                             &kRefusalChosen, &kLonger, &kLongerShare, &kOneClass, &kLabels}};
                                  },
                                  [](const CheckContext& context, const RuleChoices&) -> std::unique_ptr<Checker> {
                                    return std::make_unique<PreferenceChecker>(context);
                                  }};

}  // namespace pst::datarules
