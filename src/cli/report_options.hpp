#pragma once
#include <CLI/App.hpp>

#include "report/summary.hpp"

namespace pst::cli {

/// --price, --currency, --watts, --carbon, --peak-gflops
void add_figure_options(CLI::App& app, report::Figures& figures);
/// The same, saying where they come from.
report::Figures with_source(report::Figures figures);

}  // namespace pst::cli
