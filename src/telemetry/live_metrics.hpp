// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace pst::telemetry {

enum class MetricType { gauge, counter };

/// One metric that a running job tells: to Prometheus as kMetricPrefix + name, to alert rules by its name.
struct LiveMetric {
  const char* name;  ///< in base units, which end the name: "_seconds", "_bytes", "_ratio"; counters end in "_total"
  MetricType type;
  const char* labels;  ///< beside `run`, separated by blanks
  const char* help;    ///< one line, with the unit
};

inline constexpr const char* kMetricPrefix = "peft_studio_";

/// Every metric, in the order of docs/monitoring.md.
std::span<const LiveMetric> live_metrics();
/// With or without the prefix; nullptr when there is none of that name.
const LiveMetric* find_live_metric(std::string_view name);
/// The table of docs/monitoring.md.
std::string live_metrics_markdown();

}  // namespace pst::telemetry
