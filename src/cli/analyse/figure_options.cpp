// SPDX-License-Identifier: Apache-2.0
#include "cli/analyse/figure_options.hpp"

#include "cli/verb.hpp"

namespace pst::cli {

void add_figure_options(CLI::App& app, report::Figures& figures) {
  app.add_option("--price", figures.price_per_node_hour, "Price of a node hour, for the cost")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--currency", figures.currency, "Of --price")->capture_default_str();
  app.add_option("--watts", figures.watts_per_node, "Power of a node at work, in watts, for the energy")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--carbon", figures.carbon_g_per_kwh, "Grams of CO2e per kilowatt hour")
      ->check(CLI::NonNegativeNumber);
  app.add_option_function<double>(
         "--peak-gflops", [&figures](const double& giga) { figures.peak_flops_per_rank = giga * 1e9; },
         "Measured peak of a matrix product on what one rank has, in GFLOP/s")
      ->check(CLI::PositiveNumber);
}

}  // namespace pst::cli
