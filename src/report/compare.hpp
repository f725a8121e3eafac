// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "report/summary.hpp"

namespace pst::report {

/// A run with its report, and its recipe's keys; several of them are compared.
struct Compared {
  std::string name;
  nlohmann::ordered_json report;
  std::map<std::string, std::string> keys;   ///< of the effective recipe
  std::map<std::string, std::string> alter;  ///< of those, the ones that decide the result
};
/// @throws Error(data) when the run's recipe cannot be read
Compared read_compared(const rundir::RunDir& run, const Figures& figures);

/// What differs between the runs, and which of them did best at what.
/// @param loss  to be reached; without, the lowest that every run has reached
nlohmann::ordered_json comparison_of(const std::vector<Compared>& runs, std::optional<double> loss);

std::string comparison_page(const std::vector<Compared>& runs, const nlohmann::ordered_json& comparison);
std::string comparison_markdown(const nlohmann::ordered_json& comparison);

}  // namespace pst::report
