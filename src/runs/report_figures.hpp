// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <vector>

#include "report/metrics.hpp"
#include "report/summary.hpp"
#include "rundir/run_dir.hpp"

namespace pst::runs {

/// The figures of a command line, saying where they come from; what it leaves out is the run's site's.
report::Figures with_source(report::Figures figures, const rundir::RunDir& run);

/// Fills in the peak of a rank, unless it is given: the fastest matrix product that `probe` measured on nodes of the
/// run's type, with as many ranks and threads at work as the run had. Nothing where no such measurement is known.
report::Figures with_measured_peak(report::Figures figures, const std::vector<report::Attempt>& attempts);

}  // namespace pst::runs
