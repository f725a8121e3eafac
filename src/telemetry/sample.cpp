// SPDX-License-Identifier: Apache-2.0
#include "telemetry/sample.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

namespace pst::telemetry {
namespace {

using nlohmann::ordered_json;
using Count = std::optional<std::int64_t>;

/// Three significant decimals are more than a kernel's counters are worth, and keep lines short.
ordered_json rounded(double value) {
  if (value >= 1000) return static_cast<std::int64_t>(std::llround(value));
  return std::round(value * 1000) / 1000;
}

ordered_json rate(double before, double now, double seconds) { return rounded(std::max(0.0, now - before) / seconds); }
ordered_json rate(const Count& before, const Count& now, double seconds) {
  if (!before || !now) return nullptr;
  return rate(static_cast<double>(*before), static_cast<double>(*now), seconds);
}
ordered_json or_null(const Count& value) { return value ? ordered_json(*value) : ordered_json(); }

ordered_json traffic(const TrafficCounters& before, const TrafficCounters& now, double seconds) {
  return {rate(Count(before.received_bytes), Count(now.received_bytes), seconds),
          rate(Count(before.sent_bytes), Count(now.sent_bytes), seconds)};
}

ordered_json process(const ProcessCounters& before, const ProcessCounters& now, double s) {
  return {now.rank,
          rate(before.cpu_s, now.cpu_s, s),
          now.resident_bytes,
          rate(Count(before.minor_faults), Count(now.minor_faults), s),
          rate(Count(before.major_faults), Count(now.major_faults), s),
          rate(before.switches, now.switches, s),
          rate(before.forced_switches, now.forced_switches, s),
          rate(before.read_bytes, now.read_bytes, s),
          rate(before.written_bytes, now.written_bytes, s)};
}

ordered_json gpu(std::size_t index, const GpuReading* before, const GpuReading& now, double s) {
  constexpr double kMilli = 1e-3, kKibi = 1024;
  const auto scaled_rate = [&](Count GpuReading::*field, double scale) -> ordered_json {
    if (before == nullptr || !(before->*field) || !(now.*field)) return nullptr;
    return rate(scale * static_cast<double>(*(before->*field)), scale * static_cast<double>(*(now.*field)), s);
  };
  // The energy counter gives the mean over the whole interval; a reading of the power is of one moment.
  ordered_json watts = scaled_rate(&GpuReading::energy_mj, kMilli);
  if (watts.is_null() && now.power_mw) watts = rounded(kMilli * static_cast<double>(*now.power_mw));
  return {index,
          or_null(now.utilization_percent),
          or_null(now.memory_used_bytes),
          watts,
          or_null(now.sm_mhz),
          or_null(now.memory_mhz),
          or_null(now.temperature_c),
          or_null(now.throttle_reasons),
          or_null(now.ecc_uncorrected),
          scaled_rate(&GpuReading::nvlink_received_kib, kKibi),
          scaled_rate(&GpuReading::nvlink_sent_kib, kKibi)};
}

}  // namespace

ordered_json sample_columns() {
  return {{"ranks",
           {"rank", "cpu_cores", "resident_bytes", "minor_faults_per_s", "major_faults_per_s", "switches_per_s",
            "forced_switches_per_s", "read_bytes_per_s", "written_bytes_per_s"}},
          {"gpus",
           {"gpu", "busy_percent", "memory_bytes", "power_w", "sm_mhz", "memory_mhz", "temperature_c",
            "throttle_reasons", "ecc_uncorrected", "nvlink_received_bytes_per_s", "nvlink_sent_bytes_per_s"}}};
}

ordered_json sample_between(const Snapshot& before, const Snapshot& now) {
  const double seconds = std::max(1e-3, now.machine.at_s - before.machine.at_s);
  const double cores_s = now.machine.total_s - before.machine.total_s;
  ordered_json record = {
      {"kind", "sample"},
      {"seconds", rounded(seconds)},
      {"cpu_busy", cores_s > 0 ? rounded((now.machine.busy_s - before.machine.busy_s) / cores_s) : ordered_json()},
      {"available_bytes", now.machine.available_bytes},
      {"network", traffic(before.machine.network, now.machine.network, seconds)}};
  if (before.machine.infiniband && now.machine.infiniband)
    record["infiniband"] = traffic(*before.machine.infiniband, *now.machine.infiniband, seconds);
  record["ranks"] = ordered_json::array();
  for (const auto& ours : now.machine.processes)
    for (const auto& earlier : before.machine.processes)
      if (earlier.rank == ours.rank) record["ranks"].push_back(process(earlier, ours, seconds));
  for (std::size_t i = 0; i < now.gpus.size(); ++i)
    record["gpus"].push_back(gpu(i, i < before.gpus.size() ? &before.gpus[i] : nullptr, now.gpus[i], seconds));
  return record;
}

}  // namespace pst::telemetry
