// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ostream>

#include "runs/sweep_view.hpp"

namespace pst::cli {

/// One line for each run with the values that differ, the summary, and the best.
void print_sweep(std::ostream& out, const runs::SweepView& view);

}  // namespace pst::cli
