// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace pst::telemetry {

/// Counters of one process since it began. What the kernel does not tell (another user's, a container) is absent.
struct ProcessCounters {
  int rank = 0;
  double cpu_s = 0;
  std::int64_t resident_bytes = 0, minor_faults = 0, major_faults = 0;
  std::optional<std::int64_t> switches, forced_switches;  ///< of the main thread
  std::optional<std::int64_t> read_bytes, written_bytes;  ///< that reached or left a disk
};

struct TrafficCounters {
  std::int64_t received_bytes = 0, sent_bytes = 0;
};

/// What the kernel counts about a machine and our processes on it, at one moment.
struct MachineCounters {
  double at_s = 0;                 ///< monotonic
  double busy_s = 0, total_s = 0;  ///< of all cores together
  std::int64_t memory_bytes = 0, available_bytes = 0;
  TrafficCounters network;                    ///< all interfaces but the loopback
  std::optional<TrafficCounters> infiniband;  ///< nothing without /sys/class/infiniband
  std::vector<ProcessCounters> processes;
};

/// A process to look at.
struct Watched {
  int rank = 0;
  std::int64_t pid = 0;
};

/// Reads them. A process that is gone is left out. Costs about 0.1 ms and a few system calls per process.
/// @param proc, sys  where the kernel's files are; tests bring their own
MachineCounters read_machine(const std::vector<Watched>& processes, const std::filesystem::path& proc = "/proc",
                             const std::filesystem::path& sys = "/sys");

/// "model name" of /proc/cpuinfo, else "unknown CPU".
std::string cpu_name(const std::filesystem::path& proc = "/proc");

}  // namespace pst::telemetry
