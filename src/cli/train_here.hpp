#pragma once
#include "rundir/run_dir.hpp"

namespace pst::cli {

/// Supervises a run on this machine until it ends, showing its progress on standard error, then prints its result.
/// @throws Error with the reason for any other end than completion
int train_here(const rundir::RunDir& run, int ranks);

}  // namespace pst::cli
