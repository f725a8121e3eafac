// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/job_script_for.hpp"
#include "cli/measured_peak.hpp"
#include "cli/report_options.hpp"
#include "cli/verb.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "report/csv.hpp"
#include "report/page.hpp"

namespace pst::cli {
namespace {

struct ReportArguments {
  RunArguments run;
  std::string folder;
  std::vector<std::string> formats = {"html", "json", "csv"};
  report::Figures figures;
};

int make_report(ReportArguments& arguments) {
  const rundir::RunDir run = arguments.run.find();
  return doing(cat("reporting on ", run.root().string()), [&] {
    const fs::path folder = arguments.folder.empty() ? run.root() : fs::path(arguments.folder);
    make_directories(folder);
    const auto attempts = report::read_metrics(run);
    const auto summary =
        report::summarise(run, attempts, with_measured_peak(with_source(arguments.figures, run), attempts));
    for (const auto& format : arguments.formats) {
      if (format == "html") write_durably(folder / "report.html", report::report_page(summary));
      if (format == "json")
        write_durably(folder / "report.json",
                      summary.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
      if (format == "csv") report::write_csv(folder, summary, attempts);
    }
    std::cout << "covered   " << summary["coverage"]["text"].get<std::string>() << '\n';
    for (const auto& gap : summary["coverage"]["gaps"]) std::cout << "gap       " << gap.get<std::string>() << '\n';
    for (const auto& straggler : summary["stragglers"])
      std::cout << "straggler " << straggler["evidence"].get<std::string>() << '\n';
    for (const auto& format : arguments.formats)
      std::cout << "written   "
                << (folder /
                    (format == "csv" ? "steps.csv, ranks.csv, nodes.csv, evaluations.csv" : "report." + format))
                       .string()
                << '\n';
    return 0;
  });
}

}  // namespace

report::Figures with_source(report::Figures figures, const rundir::RunDir& run) {
  std::vector<std::string> sources;
  if (figures.price_per_node_hour || figures.watts_per_node || figures.carbon_g_per_kwh || figures.peak_flops_per_rank)
    sources.emplace_back("command line");
  const site::Site site = site_of(run);
  const auto fill = [&](std::optional<double>& figure, const std::optional<double>& of_site) {
    if (figure || !of_site) return false;
    figure = of_site;
    return true;
  };
  const bool price = fill(figures.price_per_node_hour, site.cost.node_hour);
  if (price) figures.currency = site.cost.currency;
  const bool watts = fill(figures.watts_per_node, site.cost.busy_w);
  const bool carbon = fill(figures.carbon_g_per_kwh, site.cost.carbon_g_per_kwh);
  if (price || watts || carbon) sources.push_back("site " + site.name);
  if (figures.source.empty()) figures.source = join(sources, ", ");
  return figures;
}

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

Runner add_report(CLI::App& app) {
  auto arguments = std::make_shared<ReportArguments>();
  add_run_arguments(app, arguments->run);
  app.add_option("-o,--output", arguments->folder, "Folder for the files; the run's own when left out");
  app.add_option("--format", arguments->formats, "Any of html, json, csv")
      ->delimiter(',')
      ->check(CLI::IsMember({"html", "json", "csv"}))
      ->capture_default_str();
  add_figure_options(app, arguments->figures);
  return [arguments] { return make_report(*arguments); };
}

}  // namespace pst::cli
