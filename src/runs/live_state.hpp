// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "cluster/process_mark.hpp"
#include "cluster/slurm.hpp"
#include "rundir/run_state.hpp"

namespace pst::runs {

/// A run's state by its folder and by Slurm or the process table.
struct LiveState {
  rundir::RunState run;
  std::optional<cluster::JobState> job;  ///< what Slurm says just now
  bool inferred = false;                 ///< final because job or process are gone, not because somebody wrote so
};

/// What was asked of the outside about one run.
struct Outside {
  bool slurm_answered = true;
  std::string unasked;                   ///< why Slurm was not asked; empty: it was
  std::optional<cluster::JobState> job;  ///< nothing: Slurm has forgotten it
  cluster::Life process = cluster::Life::unknown;
};

/// The decision, by itself.
LiveState refine(const rundir::RunState& run, const Outside& outside);

/// Asks Slurm once for all of them. Never throws because Slurm does not answer: the reason then says so.
std::vector<LiveState> live_states(const std::vector<rundir::RunDir>& runs);
LiveState live_state(const rundir::RunDir& run);

/// Every job of Slurm that may yet work on the run: those of a chain, or the one.
std::vector<std::string> jobs_of(const LiveState& live);
/// Whether all that there is of a run waits in Slurm's queue, so that it can be taken out without losing anything.
bool waits_in_queue(const LiveState& live);

}  // namespace pst::runs
