// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>

#include "core/strings.hpp"
#include "datarules/canonical_text.hpp"
#include "datarules/rule_table.hpp"

namespace pst::datarules {
namespace {

constexpr Rule kMajority{"one-class-dominates",
                         Level::warning,
                         "answers that are labels, of which one is nearly all: always saying it is right as often",
                         "add records of the others; compare accuracy with this share",
                         {0.9, "of the answers"},
                         "ours"};
constexpr Rule kRare{"rare-class",
                     Level::warning,
                     "answers that are labels, of which one is hardly there",
                     "add records of it, or leave it out",
                     {10, "records at least"},
                     "ours"};
constexpr Rule kFew{"few-records",   Level::info, "few records in all", "none, where it is a trial",
                    {10, "records"}, "ours"};

/// Answers that are labels: few different ones, short, over many records.
class BalanceChecker final : public Checker {
 public:
  void look(const RecordView& record, Findings& findings) override {
    (void)findings;
    if (count_++ == 0) first_ = record.place;
    if (!are_labels_) return;
    const Asked asked = asked_of(record);
    const std::string answer = canonical(asked.answer);
    if (answer.empty() || words_of(answer).size() > kMostWords) {
      are_labels_ = false;
      labels_.clear();
      return;
    }
    Label& label = labels_[answer];
    if (label.count++ == 0) label.first = record.place;
    are_labels_ = labels_.size() <= kMostLabels;
  }

  void finish(Findings& findings) override {
    const auto fewest = static_cast<std::int64_t>(findings.choices().limit(kFew));
    if (count_ > 0 && count_ < fewest)
      findings.add(kFew, first_, [&] { return Hit{cat(count_, count_ == 1 ? " record" : " records")}; });
    constexpr std::int64_t kLeastEach = 20;
    if (!are_labels_ || labels_.size() < 2 || count_ < kLeastEach * static_cast<std::int64_t>(labels_.size())) return;
    for (const auto& [name, label] : labels_) {
      const double share = static_cast<double>(label.count) / static_cast<double>(count_);
      const auto hit = [&, shown = quoted(name, 40), count = label.count] {
        return Hit{cat(shown, ": ", grouped(count), " of ", grouped(count_), ", ", fixed(100 * share, 1), " %")};
      };
      if (share > findings.choices().limit(kMajority)) findings.add(kMajority, label.first, hit);
      if (static_cast<double>(label.count) < findings.choices().limit(kRare)) findings.add(kRare, label.first, hit);
    }
  }

 private:
  static constexpr std::size_t kMostWords = 4, kMostLabels = 50;
  struct Label {
    std::int64_t count = 0;
    Place first;
  };
  std::map<std::string, Label> labels_;
  std::int64_t count_ = 0;
  Place first_;
  bool are_labels_ = true;
};

}  // namespace

const RuleFamily kBalanceRules{[]() -> RuleGroup {
                                 return {"Balance", {&kMajority, &kRare, &kFew}};
                               },
                               [](const CheckContext&, const RuleChoices&) -> std::unique_ptr<Checker> {
                                 return std::make_unique<BalanceChecker>();
                               }};

}  // namespace pst::datarules
