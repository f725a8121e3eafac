// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <unordered_set>

#include "core/strings.hpp"
#include "datarules/canonical_text.hpp"
#include "datarules/duplicates.hpp"
#include "datarules/near_duplicates.hpp"
#include "datarules/rule_table.hpp"

namespace pst::datarules {
namespace {

constexpr const char* kSource = "MinHash, 32 bands of 8 rows, then the exact index of shingles of 5 words";
constexpr Rule kNear{"near-repeat",      Level::warning,         "a record that is nearly one before it",
                     "keep one of them", {0.8, "Jaccard index"}, kSource};
constexpr Rule kNearLeak{"near-leak",
                         Level::warning,
                         "a validation record that is nearly one of the training data",
                         "leave it out of one; divide by what the records come from (`data split --by`)",
                         {0.8, "Jaccard index"},
                         kSource};

class NearChecker final : public Checker {
 public:
  void look(const RecordView& record, Findings& findings) override {
    (void)findings;
    const Compared texts = compared(record);
    const std::string all = cat(texts.prompt, ' ', texts.answer);
    // Exact repeats have a rule of their own.
    if (!seen_.insert(key_of(all)).second) return;
    near_.add(all);
    places_.push_back({record.place, record.split});
  }

  void finish(Findings& findings) override {
    const double least = std::min(findings.choices().limit(kNear), findings.choices().limit(kNearLeak));
    for (const NearPair& pair : near_.pairs(least)) {
      const At &later = places_[pair.later], &earlier = places_[pair.earlier];
      const bool leaks = later.split == Split::validation && earlier.split == Split::train;
      const Rule& rule = leaks ? kNearLeak : kNear;
      if (pair.similarity < findings.choices().limit(rule)) continue;
      findings.add(rule, later.place, [&] {
        return Hit{cat("Jaccard index ", fixed(pair.similarity, 2), " with ", findings.place_text(earlier.place))};
      });
    }
  }

 private:
  struct At {
    Place place;
    Split split;
  };
  NearDuplicates near_;
  std::vector<At> places_;
  std::unordered_set<TextKey, TextKeyHash> seen_;
};

}  // namespace

const RuleFamily kNearDuplicateRules{[]() -> RuleGroup {
                                       return {"Near repeats", {&kNear, &kNearLeak}};
                                     },
                                     [](const CheckContext& context, const RuleChoices&) -> std::unique_ptr<Checker> {
                                       if (context.is_quick) return nullptr;
                                       return std::make_unique<NearChecker>();
                                     }};

}  // namespace pst::datarules
