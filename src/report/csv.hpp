// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "report/metrics.hpp"

namespace pst::report {

/// Writes steps.csv (every step of every attempt), ranks.csv, nodes.csv and evaluations.csv into `folder`. Columns
/// carry their units; what is not known is an empty field. @throws Error(io)
void write_csv(const std::filesystem::path& folder, const nlohmann::ordered_json& report,
               const std::vector<Attempt>& attempts);

/// A field: in quotes where it needs them (RFC 4180), and never the beginning of a formula.
std::string csv_field(std::string_view text);

}  // namespace pst::report
