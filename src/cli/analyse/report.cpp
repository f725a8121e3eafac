// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/analyse/figure_options.hpp"
#include "cli/verb.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "report/csv.hpp"
#include "report/page.hpp"
#include "runs/report_figures.hpp"

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
        report::summarise(run, attempts, runs::with_measured_peak(runs::with_source(arguments.figures, run), attempts));
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

Runner add_report(CLI::App& app) {
  auto arguments = std::make_shared<ReportArguments>();
  add_run_arguments(app, arguments->run);
  app.add_option("-o,--output", arguments->folder, "Folder for the files; by default the run's folder");
  app.add_option("--format", arguments->formats, "What to write: html, json, csv, or several with commas")
      ->delimiter(',')
      ->check(CLI::IsMember({"html", "json", "csv"}))
      ->capture_default_str();
  add_figure_options(app, arguments->figures);
  return [arguments] { return make_report(*arguments); };
}

}  // namespace pst::cli
