// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <optional>
#include <string>

#include "rundir/attempt.hpp"
#include "rundir/run_dir.hpp"

namespace pst::rundir {

/// lease.json: who works on a run now. The generation is the number of the attempt, and so given out by mkdir(2) on
/// attempts/<n>, which only one process can win. Two supervisors may both believe for a while that they are alone (a
/// network that was cut and healed); but only the newer generation may commit anything.
struct Lease {
  int generation = 0;
  ProcessMark holder;
  std::string job_id;  ///< of Slurm; empty without
  double renewed = 0;  ///< unix_seconds(); 0: given back
};

/// How long a holder that says nothing is still believed to be there.
constexpr double kLeaseFresh_s = 30;

void write_lease(const RunDir& run, const Lease& lease);  ///< @throws Error(io)
/// Nothing when there is none. One that is damaged counts as none: it is written anew every few seconds, and what it
/// guards against is guarded by the attempts' folders as well.
std::optional<Lease> read_lease(const RunDir& run);

void sleep_for(double seconds);

/// For a supervisor that is about to begin an attempt. A lease from more than kLeaseFresh_s ahead of this machine's
/// clock is believed when it is renewed within that time, which is waited for.
/// @param own_job  ours; a holder of the same job is a former start of it, since Slurm runs a job once at a time
/// @param is_gone  whether a process is known to have ended; "unknown" is no
/// @throws Error(usage) saying who holds the lease and for how long
void refuse_when_held(const RunDir& run, const std::string& own_job,
                      const std::function<bool(const ProcessMark&)>& is_gone,
                      const std::function<void(double)>& wait = sleep_for);

/// To be called before anything is committed, and by the supervisor with every renewal.
/// @throws Error(transient) when a newer attempt has begun
void check_generation(const RunDir& run, int generation);

}  // namespace pst::rundir
