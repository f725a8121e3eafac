// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "plan/alternatives.hpp"

namespace pst::plan {

/// Everything that `peft-studio plan` tells.
struct Report {
  const Inputs& in;
  std::vector<Decision> decisions;
  Prediction chosen;
  std::vector<Alternative> alternatives;
  std::optional<Alternative> smallest_change;  ///< when `chosen` does not fit
  std::int64_t longest_that_fits = 0;          ///< when nothing does
  std::vector<std::string> notes;              ///< what the reader has to know before trusting a figure
};

/// @param nodes  alternatives to look at; empty: powers of two
Report make_report(const Inputs& in, const std::vector<int>& nodes);

std::string to_text(const Report& report);
/// What plan.json of a run directory holds.
std::string to_json(const Report& report);

}  // namespace pst::plan
