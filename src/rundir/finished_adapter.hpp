// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "rundir/run_dir.hpp"

namespace pst::rundir {

/// The folder of the adapter that a run made. @throws Error(data) when the run is not completed
fs::path finished_adapter(const RunDir& run);

}  // namespace pst::rundir
