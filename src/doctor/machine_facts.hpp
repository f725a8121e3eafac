// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "doctor/finding.hpp"

namespace pst::doctor {

/// A folder as a disk: what it holds and how fast it takes a file. Speeds are of one 16 MiB file, written and fsynced.
struct Disk {
  std::string folder;
  std::uint64_t free_bytes = 0, total_bytes = 0;
  double write_mb_s = 0;  ///< 10^6 bytes per second, fsync included
  double rename_ms = 0;   ///< rename and fsync of the folder
  std::string failure;    ///< what went wrong, or empty
};

/// Writes, fsyncs, renames and removes a file in `folder`. Never throws for what the disk does.
Disk probe_disk(const std::filesystem::path& folder);

/// What matters to us about the machine that this process runs on.
struct Machine {
  std::string host, version, kernel;
  double wall_s = 0;  ///< Unix time
  std::string cpu;
  std::vector<std::string> cpu_features;  ///< of those that kernels or libraries choose by
  int cores = 0, usable_cores = 0;
  std::uint64_t memory_bytes = 0, memory_available_bytes = 0;
  std::string huge_pages;                ///< transparent ones: always, madvise, never; empty when unknown
  std::int64_t open_files = 0;           ///< soft limit
  std::int64_t locked_memory_bytes = 0;  ///< soft limit; -1: none
  std::vector<std::string> gpus;         ///< models, as the NVIDIA driver names them in /proc
  std::string gpu_driver;
  int infiniband_ports_up = 0, infiniband_ports = 0;
  std::vector<Disk> disks;
};

/// @param version  of this program
/// @param folders  to probe as disks; those that do not exist are told as failures
Machine look_at(const std::string& version, const std::vector<std::filesystem::path>& folders);

/// Each thing by itself.
std::vector<Finding> check(const Machine& machine);
/// What only shows when several are put side by side: versions, clocks, CPUs, GPUs. @param at  when each was asked, by
/// the clock of whoever asks; empty: clocks are not compared
std::vector<Finding> check_together(const std::vector<Machine>& machines);

void to_json(nlohmann::ordered_json& json, const Machine& machine);
/// @throws nlohmann::json::exception when it is no machine
void from_json(const nlohmann::ordered_json& json, Machine& machine);

}  // namespace pst::doctor
