// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/analyse/scaling_series.hpp"
#include "cli/verb.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "report/scaling.hpp"

namespace pst::cli {
namespace {

struct ScalingArguments {
  std::vector<std::string> runs;
  std::string output_dir = "runs", folder, kind = "auto";
  bool mixed = false;
  Series series;
};

report::ScalingKind kind_of(const std::string& word) {
  return word == "weak"     ? report::ScalingKind::weak
         : word == "strong" ? report::ScalingKind::strong
                            : report::ScalingKind::automatic;
}

/// Those that were named, or that are made now.
std::vector<rundir::RunDir> runs_of(const ScalingArguments& arguments) {
  if (arguments.series.recipe.file.empty()) {
    if (arguments.runs.size() < 2)
      throw Error(Fault::usage, "scaling needs runs on different numbers of ranks",
                  "name two or more, or have them made: --run RECIPE --ranks 1,2");
    std::vector<rundir::RunDir> runs;
    for (const auto& name : arguments.runs) runs.push_back(rundir::RunDir::find(name, arguments.output_dir));
    return runs;
  }
  if (arguments.series.ranks.empty() == arguments.series.nodes.empty())
    throw Error(Fault::usage, "--run needs the sizes of the series: --ranks (here) or --nodes (under Slurm)",
                "for instance --run recipe.yaml --ranks 1,2");
  Series series = arguments.series;
  series.kind = kind_of(arguments.kind);
  return run_series(series);
}

int scaling(const ScalingArguments& arguments) {
  std::vector<report::Compared> runs;
  std::vector<std::vector<report::Attempt>> metrics;
  for (const auto& run : runs_of(arguments)) {
    doing(cat("reading ", run.root().string()), [&] {
      runs.push_back(report::read_compared(run, {}));
      metrics.push_back(report::read_metrics(run));
    });
  }
  const auto result = report::scaling_of(runs, metrics, kind_of(arguments.kind), arguments.mixed);
  const std::string text = report::scaling_markdown(result);
  std::cout << text;
  if (!arguments.folder.empty()) {
    const fs::path folder = arguments.folder;
    make_directories(folder);
    write_durably(folder / "scaling.md", text);
    write_durably(folder / "scaling.json",
                  result.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
    std::cout << "written " << (folder / "scaling.md").string() << " and scaling.json\n";
  }
  return 0;
}

}  // namespace

Runner add_scaling(CLI::App& app) {
  auto arguments = std::make_shared<ScalingArguments>();
  app.add_option("RUN", arguments->runs, "Two or more runs on different numbers of ranks: folders, names or ids")
      ->expected(0, 64);
  auto* made = app.add_option("--run", arguments->series.recipe.file,
                              "Make the runs first: train this recipe at every size, one after the other")
                   ->type_name("RECIPE");
  app.add_option("--ranks", arguments->series.ranks,
                 "With --run: numbers of ranks to try on this machine, such as 1,2,4")
      ->delimiter(',')
      ->check(CLI::Range(1, 1024))
      ->needs(made);
  app.add_option("--nodes", arguments->series.nodes, "With --run: numbers of nodes to try under Slurm, such as 1,2,4")
      ->delimiter(',')
      ->check(CLI::Range(1, 1 << 16))
      ->needs(made);
  app.add_option("--cores-per-rank", arguments->series.cores_per_rank,
                 "With --ranks: cores of each rank; by default the cores here divided by the largest number of ranks")
      ->check(CLI::Range(1, 1024));
  add_override_option(app, arguments->series.recipe.overrides);
  add_output_dir_option(app, arguments->output_dir);
  app.add_option("--kind", arguments->kind,
                 "strong: the same batch at every size; weak: the batch grows with the ranks; auto: what the runs are "
                 "(--run: strong)")
      ->check(CLI::IsMember({"auto", "strong", "weak"}))
      ->capture_default_str();
  app.add_flag("--mixed", arguments->mixed, "Compare the runs even where they did different work");
  app.add_option("-o,--output", arguments->folder,
                 "Folder for scaling.md and scaling.json; by default nothing is written");
  return [arguments] { return scaling(*arguments); };
}

}  // namespace pst::cli
