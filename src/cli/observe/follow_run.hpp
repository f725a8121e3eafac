// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "rundir/run_state.hpp"
#include "rundir/sweep_dir.hpp"

namespace pst::cli {

enum class OnInterrupt { detach, cancel };

/// Shows a run's queue state and progress on standard error until it ends, then its result on standard output.
/// Ctrl-C lets go of it (and says how to come back), or cancels it.
/// @return 0, for a run with a valid completed.json only. @throws Error with the reason for any other end;
/// Error(stopped)
///         after Ctrl-C
int follow_run(const rundir::RunDir& run, OnInterrupt on_interrupt);

/// Prints the result of a completed run: losses, adapter, how to talk to it.
/// @throws Error with the reason, and what to do, when `state` is another one
int report_end(const rundir::RunDir& run, const rundir::RunState& state);

}  // namespace pst::cli
