// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <functional>
#include <string>
#include <vector>

#include "rundir/run_dir.hpp"
#include "runs/recipe_source.hpp"

namespace pst::cli {

/// What a command does once its options are read. @return the exit status
using Runner = std::function<int()>;

// Options that several commands have, declared once.

/// RECIPE [--set a.b=c]...
void add_recipe_arguments(CLI::App& app, runs::RecipeSource& source);
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
void add_output_dir_option(CLI::App& app, std::string& output_dir);  ///< --output-dir

}  // namespace pst::cli
