// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/analyse/figure_options.hpp"
#include "cli/verb.hpp"
#include "console/print_page.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "report/compare.hpp"
#include "runs/report_figures.hpp"

namespace pst::cli {
namespace {

struct CompareArguments {
  std::vector<std::string> runs;
  std::string output_dir = "runs", folder = ".";
  std::optional<double> loss;
  bool pdf = false;
  report::Figures figures;
};

int compare(const CompareArguments& arguments) {
  std::vector<report::Compared> runs;
  for (const auto& name : arguments.runs) {
    const auto run = rundir::RunDir::find(name, arguments.output_dir);
    doing(cat("reading ", run.root().string()),
          [&] { runs.push_back(report::read_compared(run, runs::with_source(arguments.figures, run))); });
  }
  const auto comparison = report::comparison_of(runs, arguments.loss);
  const fs::path folder = arguments.folder;
  make_directories(folder);
  const std::string text = report::comparison_markdown(comparison);
  write_durably(folder / "compare.html", report::comparison_page(runs, comparison));
  write_durably(folder / "compare.md", text);
  std::cout << text << "written " << (folder / "compare.html").string() << " and compare.md\n";
  if (arguments.pdf) {
    console::print_page(folder / "compare.html", folder / "compare.pdf");
    std::cout << "written " << (folder / "compare.pdf").string() << '\n';
  }
  return 0;
}

}  // namespace

Runner add_compare(CLI::App& app) {
  auto arguments = std::make_shared<CompareArguments>();
  app.add_option("RUN", arguments->runs, "The runs: folders, names or ids")->required()->expected(2, 8);
  add_output_dir_option(app, arguments->output_dir);
  app.add_option("-o,--output", arguments->folder, "Folder for compare.html and compare.md")->capture_default_str();
  app.add_option("--loss", arguments->loss,
                 "Training loss at which time and cost are compared; by default the lowest that every run reached");
  app.add_flag("--pdf", arguments->pdf,
               "Also write compare.pdf; needs chromium, google-chrome or weasyprint on this machine");
  add_figure_options(app, arguments->figures);
  return [arguments] { return compare(*arguments); };
}

}  // namespace pst::cli
