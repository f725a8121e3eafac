// SPDX-License-Identifier: Apache-2.0
#include "cli/analyse/figure_options.hpp"

#include "cli/verb.hpp"

namespace pst::cli {

void add_figure_options(CLI::App& app, report::Figures& figures) {
  app.add_option("--price", figures.price_per_node_hour,
                 "Price of one node for one hour, for the cost; by default the site profile's")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--currency", figures.currency, "Currency of --price")->capture_default_str();
  app.add_option("--watts", figures.watts_per_node,
                 "Power of a busy node in watts, for the energy; by default the site profile's")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--carbon", figures.carbon_g_per_kwh,
                 "Grams of CO2 equivalent per kilowatt hour; by default the site profile's")
      ->check(CLI::NonNegativeNumber);
  app.add_option_function<double>(
         "--peak-gflops", [&figures](const double& giga) { figures.peak_flops_per_rank = giga * 1e9; },
         "Fastest matrix product of one rank in GFLOP/s, for the utilisation; by default what `probe` measured")
      ->check(CLI::PositiveNumber);
}

}  // namespace pst::cli
