// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "monitor/run_view.hpp"
#include "telemetry/live_metrics.hpp"

namespace pst::monitor {

using Labels = std::vector<std::pair<std::string, std::string>>;

struct Sample {
  Labels labels;  ///< without `run`
  double value = 0;
};

/// A metric with all it is known for. One without a sample is left out.
struct Family {
  const telemetry::LiveMetric* metric;
  std::vector<Sample> samples;
};

struct ActiveAlert {
  std::string name, severity;
  bool is_firing = false;
};

/// Every metric that the view knows something of, in the order of telemetry::live_metrics().
/// @param now     Unix time, for ages
/// @param alerts  every rule of the run
std::vector<Family> series_of(const RunView& view, const std::vector<ActiveAlert>& alerts, double now);

/// "node n2, rank 1"; empty without labels.
std::string place_of(const Labels& labels);

}  // namespace pst::monitor
