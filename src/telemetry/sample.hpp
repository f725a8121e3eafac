// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "telemetry/nvml.hpp"
#include "telemetry/proc.hpp"

namespace pst::telemetry {

struct Snapshot {
  MachineCounters machine;
  std::vector<GpuReading> gpus;
};

/// The columns of "ranks" and "gpus" in a sample, for the file's first line.
nlohmann::ordered_json sample_columns();

/// What happened between two looks, as one record of kind "sample": rates per second, levels as of `now`. A rank that
/// only one of them knows has no rates yet and is left out; unknown values are null, never 0.
nlohmann::ordered_json sample_between(const Snapshot& before, const Snapshot& now);

}  // namespace pst::telemetry
