// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "rundir/sweep_dir.hpp"

namespace pst::runs {

/// How to name a run in a command: its folder, as short as it can be from here.
std::string handle(const rundir::RunDir& run);
std::string handle(const rundir::SweepDir& sweep);

}  // namespace pst::runs
