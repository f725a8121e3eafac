// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "report/summary.hpp"

namespace CLI {
class App;
}

namespace pst::cli {

/// --price, --currency, --watts, --carbon, --peak-gflops
void add_figure_options(CLI::App& app, report::Figures& figures);

}  // namespace pst::cli
