// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <vector>

#include "datarules/findings.hpp"

namespace pst::datarules {

struct ModelTruth;

/// What checkers are made with.
struct CheckContext {
  const recipe::Data& settings;
  const ModelTruth* model = nullptr;  ///< null: rules on tokens rest
  bool is_quick = false;              ///< what needs seconds for each 10 MB rests, too
};

/// What looks at records for a group of rules.
class Checker {
 public:
  virtual ~Checker() = default;
  virtual void look(const RecordView& record, Findings& findings) = 0;
  /// After the last record.
  virtual void finish(Findings& findings) { (void)findings; }
};

/// All checkers that have work in this context.
std::vector<std::unique_ptr<Checker>> make_checkers(const CheckContext& context, const RuleChoices& choices);

}  // namespace pst::datarules
