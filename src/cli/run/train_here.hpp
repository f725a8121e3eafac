// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "rundir/run_dir.hpp"

namespace pst::cli {

/// Supervises a run on this machine until it ends, showing its progress on standard error, then prints its result.
/// @param cores_per_rank  that each rank is bound to, none of them shared; 0: unbound
/// @throws Error with the reason for any other end than completion
int train_here(const rundir::RunDir& run, int ranks, int cores_per_rank = 0);

}  // namespace pst::cli
