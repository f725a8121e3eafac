// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "rundir/run_dir.hpp"

namespace pst::rundir {

/// A process, named so that another one that got its number later is never taken for it.
struct ProcessMark {
  std::string host, boot_id;  ///< boot_id: of the kernel that counts start_ticks
  std::int64_t pid = 0;
  std::int64_t start_ticks = 0;  ///< clock ticks from boot to its start: field 22 of /proc/<pid>/stat
};

/// attempts/<n>/attempt.json: one start of the workers.
struct AttemptRecord {
  int number = 0;
  std::string launcher;               ///< "srun" or "local"
  std::optional<std::string> job_id;  ///< of Slurm
  std::string hosts;                  ///< as Slurm lists them: n[1-4]
  int ranks = 0;
  std::vector<std::string> nodes;   ///< that the workers were started on; empty without Slurm
  std::vector<std::string> blamed;  ///< of those, the ones to avoid from now on
  std::string started;              ///< UTC
  ProcessMark supervisor;
};

void write_attempt(const RunDir& run, const AttemptRecord& record);
/// @throws Error(data) when it is missing or not valid
AttemptRecord read_attempt(const RunDir& run, int number);

}  // namespace pst::rundir
