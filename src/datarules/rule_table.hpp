// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>

#include "datarules/checker.hpp"

namespace pst::datarules {

/// A group of rules and what looks for them: a row of rule_families().
struct RuleFamily {
  RuleGroup (*group)();
  /// Null where nothing of it can be looked at in this context.
  std::unique_ptr<Checker> (*make)(const CheckContext& context, const RuleChoices& choices);
};

RuleGroup file_rules();  ///< what the reader of files finds: it has no checker
extern const Rule kNotData, kBrokenRecord, kWrongShape, kNoRecords;

extern const RuleFamily kTurnRules, kEncodingRules, kPersonalRules, kSpecialRules, kProseRules, kAnswerRules,
    kToolRules, kPreferenceRules, kDuplicateRules, kNearDuplicateRules, kBalanceRules, kTokenRules;

}  // namespace pst::datarules
