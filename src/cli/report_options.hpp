// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <CLI/App.hpp>

#include "report/summary.hpp"
#include "rundir/run_dir.hpp"

namespace pst::cli {

/// --price, --currency, --watts, --carbon, --peak-gflops
void add_figure_options(CLI::App& app, report::Figures& figures);
/// The same, saying where they come from; what the command line leaves out is the run's site's.
report::Figures with_source(report::Figures figures, const rundir::RunDir& run);

}  // namespace pst::cli
