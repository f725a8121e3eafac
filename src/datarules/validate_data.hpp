// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <functional>
#include <optional>

#include "datarules/findings.hpp"
#include "recipe/data.hpp"

namespace pst::datarules {

/// What is to be looked at, and how closely.
struct ValidateRequest {
  recipe::Data data;                           ///< sources, and the settings that decide what is learned
  std::optional<std::filesystem::path> model;  ///< a model folder: data are rendered and tokenised as training does it
  bool is_quick = false;                       ///< leave out tokens and near duplicates
  RuleChoices choices;
  Findings::Listener listener;  ///< told of each hit, with the findings so far
  std::function<void(std::int64_t records)> progress;
};

/// Reads every record of every file, the broken ones included, and holds them against the rules. What is wrong is found
/// and never thrown, but for what concerns no file: a path that leads nowhere, a model that cannot be read.
/// @throws Error(data), Error(usage)
Findings validate_data(const ValidateRequest& request);

}  // namespace pst::datarules
