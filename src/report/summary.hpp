// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "report/metrics.hpp"

namespace pst::report {

/// What a report cannot find in the run itself. Absent figures are left out of it, and the report says so.
struct Figures {
  std::optional<double> price_per_node_hour;
  std::string currency = "EUR";
  std::optional<double> watts_per_node;  ///< at work; where GPUs told their energy, beside it
  std::optional<double> carbon_g_per_kwh;
  std::optional<double> peak_flops_per_rank;  ///< measured peak of a matrix product
  std::string source;                         ///< where these come from: "site lumi", "command line"
  std::string peak_source;                    ///< the same of the peak, when it comes from elsewhere
};

/// A run's report as one JSON object: report.json, and all that the page shows. docs/report.md says what each
/// figure means. Unknown is null or absent, never 0.
nlohmann::ordered_json summarise(const rundir::RunDir& run, const std::vector<Attempt>& attempts,
                                 const Figures& figures);

inline constexpr int kReportFormat = 1;

// The parts, each from what it needs.

/// Steps as they counted at last, and those that were done again after a restart.
struct CountedSteps {
  struct At {
    const Attempt* attempt;
    const Step* step;
  };
  std::vector<At> counted, redone;
  double counted_s = 0, redone_s = 0;
};
CountedSteps count_steps(const std::vector<Attempt>& attempts);

nlohmann::ordered_json outcome_of(const rundir::RunDir& run);
nlohmann::ordered_json coverage_of(const std::vector<Attempt>& attempts);
/// "attempts", "faults", "time" and what follows from them: node hours and "cost".
void add_account(nlohmann::ordered_json& report, const rundir::RunDir& run, const std::vector<Attempt>& attempts,
                 const CountedSteps& steps, const Figures& figures);
/// "phases", "ranks", "stragglers", "efficiency", "work", "memory", of the attempt with the most steps.
void add_efficiency(nlohmann::ordered_json& report, const std::vector<Attempt>& attempts, const CountedSteps& steps,
                    const Figures& figures);
/// At most `points` points of each curve: a bucket keeps its lowest, mean and highest value, so no peak disappears.
nlohmann::ordered_json curves_of(const CountedSteps& steps, const std::vector<Attempt>& attempts, std::size_t points);

/// JSON has no infinities: null.
nlohmann::ordered_json finite(double value);
template <class T>
nlohmann::ordered_json or_null(const std::optional<T>& value) {
  return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json();
}

}  // namespace pst::report
