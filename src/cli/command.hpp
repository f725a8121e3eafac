// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <functional>
#include <string>
#include <vector>

#include "rundir/run_dir.hpp"

namespace pst::cli {

/// One subcommand: where CLI11 keeps what was typed, and what then happens. `run` returns the exit status.
struct Command {
  CLI::App* app;
  std::function<int()> run;
};

// One file each.
Command add_validate(CLI::App& program);
Command add_config_import(CLI::App& config);
Command add_init(CLI::App& program);
Command add_completion(CLI::App& program);
Command add_doctor(CLI::App& program);
Command add_profile(CLI::App& program);
Command add_plan(CLI::App& program);
Command add_probe(CLI::App& program);
Command add_data_prepare(CLI::App& data);
Command add_data_dump(CLI::App& data);
Command add_submit(CLI::App& program);
Command add_train(CLI::App& program);
Command add_supervise(CLI::App& program);
Command add_status(CLI::App& program);
Command add_follow(CLI::App& program);
Command add_watch(CLI::App& program);
Command add_logs(CLI::App& program);
Command add_cancel(CLI::App& program);
Command add_pause(CLI::App& program);
Command add_resume(CLI::App& program);
Command add_watch_host(CLI::App& program);
Command add_monitor(CLI::App& program);
Command add_generate(CLI::App& program);
Command add_report(CLI::App& program);
Command add_compare(CLI::App& program);
Command add_scaling(CLI::App& program);
Command add_export_metrics(CLI::App& exports);
Command add_checkpoint_list(CLI::App& checkpoint);
Command add_checkpoint_verify(CLI::App& checkpoint);
Command add_checkpoint_prune(CLI::App& checkpoint);
Command add_checkpoint_export(CLI::App& checkpoint);
Command add_model_import(CLI::App& model);
Command add_model_inspect(CLI::App& model);
Command add_model_quantise(CLI::App& model);
Command add_site_list(CLI::App& site);
Command add_site_show(CLI::App& site);
Command add_site_check(CLI::App& site);
Command add_site_probe(CLI::App& site);

/// RECIPE [--set a.b=c]...
struct RecipeArguments {
  std::string file;
  std::vector<std::string> overrides;
};
void add_recipe_arguments(CLI::App& app, RecipeArguments& arguments);
void add_override_option(CLI::App& app, std::vector<std::string>& overrides);  ///< --set
/// --profile steps=20:25,ranks=0,3: keys of the recipe's section `profile`.
void add_profile_option(CLI::App& app, std::vector<std::string>& overrides);

/// RUN [--output-dir DIR]: a run by folder, name or id.
struct RunArguments {
  std::string run;
  std::string output_dir = "runs";
  rundir::RunDir find() const { return rundir::RunDir::find(run, output_dir); }
};
void add_run_arguments(CLI::App& app, RunArguments& arguments);

/// Parses the command line, runs the one command that was named, prints any Error. @return the exit status
int run_program(int argc, char** argv);

}  // namespace pst::cli
