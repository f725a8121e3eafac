// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "report/summary.hpp"

namespace pst::report {

/// The latest values in Prometheus' text format (exposition format 0.0.4), for its textfile collector.
std::string prometheus_text(const nlohmann::ordered_json& report, const CountedSteps& steps);

/// A TensorBoard event file: scalars of every counted step, and of the evaluations.
std::string tensorboard_events(const nlohmann::ordered_json& report, const CountedSteps& steps);

/// Bodies for MLflow's REST call runs/log-batch (without the run's id, which MLflow gives), 1000 metrics in each:
/// params, tags, then metrics.
/// @param keys  of the effective recipe
nlohmann::ordered_json mlflow_batches(const nlohmann::ordered_json& report, const CountedSteps& steps,
                                      const std::vector<std::pair<std::string, std::string>>& keys);

/// CRC-32C (Castagnoli, reflected polynomial 0x82f63b78), as RFC 3720 appendix B.4 tests it.
std::uint32_t crc32c(std::string_view bytes);

}  // namespace pst::report
