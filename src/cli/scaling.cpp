#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/command.hpp"
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
};

int scaling(const ScalingArguments& arguments) {
  std::vector<report::Compared> runs;
  std::vector<std::vector<report::Attempt>> metrics;
  for (const auto& name : arguments.runs) {
    const auto run = rundir::RunDir::find(name, arguments.output_dir);
    doing(cat("reading ", run.root().string()), [&] {
      runs.push_back(report::read_compared(run, {}));
      metrics.push_back(report::read_metrics(run));
    });
  }
  const auto kind = arguments.kind == "weak"     ? report::ScalingKind::weak
                    : arguments.kind == "strong" ? report::ScalingKind::strong
                                                 : report::ScalingKind::automatic;
  const auto result = report::scaling_of(runs, metrics, kind, arguments.mixed);
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

Command add_scaling(CLI::App& program) {
  CLI::App* app =
      program.add_subcommand("scaling", "Say what more ranks bring, from runs on different numbers of them");
  auto arguments = std::make_shared<ScalingArguments>();
  app->add_option("RUN", arguments->runs, "Folders, names or ids")->required()->expected(2, 64);
  app->add_option("--output-dir", arguments->output_dir, "Where the runs are")->capture_default_str();
  app->add_option("--kind", arguments->kind, "strong: the same batch in all; weak: the same per rank")
      ->check(CLI::IsMember({"auto", "strong", "weak"}))
      ->capture_default_str();
  app->add_flag("--mixed", arguments->mixed, "Compare runs whose work differs nevertheless");
  app->add_option("-o,--output", arguments->folder, "Folder for scaling.md and scaling.json");
  return {app, [arguments] { return scaling(*arguments); }};
}

}  // namespace pst::cli
