// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "rundir/sweep_dir.hpp"

namespace pst::cli {

/// Shows how many runs of a sweep are done until all have ended, then their table. Ctrl-C lets go of it.
/// @return 0 when all are completed, else 75
int follow_sweep(const rundir::SweepDir& sweep);

}  // namespace pst::cli
