// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "report/compare.hpp"
#include "report/metrics.hpp"

namespace pst::report {

enum class ScalingKind { automatic, strong, weak };

/// What a series of runs on different numbers of ranks says about more of them: "points" by number of ranks, with
/// speed-up and efficiency against the smallest, and "words".
/// @param mixed  whether runs whose work differs may be compared
/// @throws Error(usage) naming the keys in which their work differs, or when two runs have equally many ranks only
nlohmann::ordered_json scaling_of(const std::vector<Compared>& runs, const std::vector<std::vector<Attempt>>& metrics,
                                  ScalingKind kind, bool mixed);

std::string scaling_markdown(const nlohmann::ordered_json& scaling);

}  // namespace pst::report
