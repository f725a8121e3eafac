// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/verb.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "recipe/changes.hpp"
#include "recipe/load.hpp"
#include "report/csv.hpp"
#include "report/export_metrics.hpp"

namespace pst::cli {
namespace {

struct ExportArguments {
  RunArguments run;
  std::string to, folder;
};

int export_metrics(const ExportArguments& arguments) {
  const rundir::RunDir run = arguments.run.find();
  return doing(cat("exporting the metrics of ", run.root().string()), [&] {
    const fs::path folder = arguments.folder.empty() ? run.root() / "export" : fs::path(arguments.folder);
    make_directories(folder);
    const auto attempts = report::read_metrics(run);
    const auto summary = report::summarise(run, attempts, {});
    const auto steps = report::count_steps(attempts);
    fs::path written = folder;
    if (arguments.to == "csv") {
      report::write_csv(folder, summary, attempts);
    } else if (arguments.to == "prometheus") {
      written = folder / "peft_studio.prom";
      write_durably(written, report::prometheus_text(summary, steps));
    } else if (arguments.to == "tensorboard") {
      const double began = steps.counted.empty() ? 0 : steps.counted.front().step->ended;
      written = folder / cat("events.out.tfevents.", static_cast<std::int64_t>(began), ".peft-studio");
      write_durably(written, report::tensorboard_events(summary, steps));
    } else {
      const auto keys = recipe::all_keys(recipe::load(run.recipe()));
      written = folder / "mlflow.json";
      write_durably(written, report::mlflow_batches(summary, steps, {keys.begin(), keys.end()})
                                     .dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) +
                                 "\n");
    }
    std::cout << "written " << written.string() << '\n';
    return 0;
  });
}

}  // namespace

Runner add_export_metrics(CLI::App& app) {
  auto arguments = std::make_shared<ExportArguments>();
  add_run_arguments(app, arguments->run);
  app.add_option("--to", arguments->to, "Format: csv, prometheus, tensorboard or mlflow-json")
      ->required()
      ->check(CLI::IsMember({"csv", "prometheus", "tensorboard", "mlflow-json"}));
  app.add_option("-o,--output", arguments->folder, "Folder for the files; by default `export` in the run's folder");
  return [arguments] { return export_metrics(*arguments); };
}

}  // namespace pst::cli
