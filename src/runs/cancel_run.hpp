// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "rundir/run_dir.hpp"

namespace pst::runs {

/// Asks Slurm, or the local process, to stop; records who asked. @throws Error(usage) when there is nothing to cancel
void cancel_run(const rundir::RunDir& run);

}  // namespace pst::runs
