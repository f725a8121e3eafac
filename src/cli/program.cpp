// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iostream>

#include "cli/command.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "version/version.hpp"

namespace pst::cli {
namespace {

std::vector<Command> add_commands(CLI::App& program) {
  CLI::App& data = *program.add_subcommand("data", "Work on datasets")->require_subcommand(1);
  CLI::App& checkpoint = *program.add_subcommand("checkpoint", "Look after a run's checkpoints")->require_subcommand(1);
  CLI::App& config = *program.add_subcommand("config", "Configurations of other programs")->require_subcommand(1);
  CLI::App& exports = *program.add_subcommand("export", "Hand a run's results to other programs")->require_subcommand(1);
  CLI::App& model = *program.add_subcommand("model", "Work on models")->require_subcommand(1);
  CLI::App& site = *program.add_subcommand("site", "Look at site profiles")->require_subcommand(1);
  return {add_init(program),
          add_validate(program),
          add_plan(program),
          add_probe(program),
          add_submit(program),
          add_train(program),
          add_status(program),
          add_watch(program),
          add_follow(program),
          add_logs(program),
          add_cancel(program),
          add_pause(program),
          add_resume(program),
          add_generate(program),
          add_report(program),
          add_profile(program),
          add_compare(program),
          add_scaling(program),
          add_export_metrics(exports),
          add_checkpoint_list(checkpoint),
          add_checkpoint_verify(checkpoint),
          add_checkpoint_prune(checkpoint),
          add_checkpoint_export(checkpoint),
          add_config_import(config),
          add_data_prepare(data),
          add_data_dump(data),
          add_model_import(model),
          add_model_inspect(model),
          add_model_quantise(model),
          add_doctor(program),
          add_completion(program),
          add_site_list(site),
          add_site_show(site),
          add_site_check(site),
          add_site_probe(site),
          add_supervise(program),
          add_watch_host(program),
          add_monitor(program)};
}

/// What CLI11 found wrong, in our form: with the command it was found in, and a suggestion for a mistyped one.
Error usage_error(const CLI::App& program, const CLI::ParseError& problem, const std::vector<std::string>& words) {
  const CLI::App* at = &program;
  std::string typed = program.get_name();
  std::size_t depth = 0;
  for (; !at->get_subcommands().empty(); ++depth) {
    at = at->get_subcommands().front();
    typed += " " + at->get_name();
  }
  const std::string help = typed + " --help";

  std::vector<std::string> commands;
  for (const auto* command : at->get_subcommands([](const CLI::App*) { return true; }))
    commands.push_back(command->get_name());
  if (!commands.empty() && depth < words.size() && !starts_with(words[depth], "-")) {
    const auto close = nearest(words[depth], commands);
    return {Fault::usage, cat(quoted(words[depth]), " is no command of ", typed),
            close ? cat("did you mean '", typed, " ", *close, "'?") : help};
  }
  std::string message(trim(problem.what()));
  std::replace(message.begin(), message.end(), '\n', ' ');
  return {Fault::usage, message, help};
}

int parse_and_run(int argc, char** argv) {
  CLI::App program("Fine-tunes language models with PEFT on Slurm clusters", "peft-studio");
  program.set_version_flag("--version", cat("peft-studio ", version()));
  program.require_subcommand(1);
  program.get_formatter()->column_width(34);
  const auto commands = add_commands(program);
  try {
    program.parse(argc, argv);
  } catch (const CLI::Success& help_or_version) {
    return program.exit(help_or_version);
  } catch (const CLI::ParseError& problem) {
    throw usage_error(program, problem, {argv + 1, argv + argc});
  }
  for (const auto& command : commands)
    if (command.app->parsed()) return command.run();
  throw Error(Fault::usage, "no command was given", "peft-studio --help");
}

}  // namespace

void add_recipe_arguments(CLI::App& app, RecipeArguments& arguments) {
  app.add_option("RECIPE", arguments.file, "YAML file that says what to train")->required();
  add_override_option(app, arguments.overrides);
}

void add_override_option(CLI::App& app, std::vector<std::string>& overrides) {
  app.add_option("--set", overrides, "Overrides one key: --set train.max_steps=10 (repeatable)")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
}

void add_run_arguments(CLI::App& app, RunArguments& arguments) {
  app.add_option("RUN", arguments.run, "Folder, name or id of the run (or the beginning of it)")->required();
  app.add_option("--output-dir", arguments.output_dir, "Where the runs are")->capture_default_str();
}

int run_program(int argc, char** argv) {
  try {
    const int status = parse_and_run(argc, argv);
    if (!std::cout.flush()) throw Error(Fault::io, "cannot write to standard output", "is its disk full?");
    return status;
  } catch (const Error& error) {
    std::cout.flush();
    std::cerr << error.what() << std::endl;
    return exit_status(error.fault());
  } catch (const std::bad_alloc&) {
    std::cerr << Error(Fault::unfit, "out of memory", "use a machine with more memory").what() << std::endl;
    return exit_status(Fault::unfit);
  } catch (const std::exception& other) {
    std::cerr << Error(Fault::bug, other.what(), "please report this with the command that led here").what()
              << std::endl;
    return exit_status(Fault::bug);
  }
}

}  // namespace pst::cli
