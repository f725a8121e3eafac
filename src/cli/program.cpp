// SPDX-License-Identifier: Apache-2.0
#include "cli/program.hpp"

#include <algorithm>
#include <iostream>
#include <map>

#include "cli/table.hpp"
#include "cli/verb.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "version/version.hpp"

namespace pst::cli {
namespace {

/// What is typed, and what then happens.
struct Command {
  CLI::App* app;
  Runner run;
};

CLI::App* add_group(CLI::App& program, const std::string& name) {
  for (const Group& group : groups())
    if (name == group.name) return program.add_subcommand(name, group.help)->require_subcommand(1);
  throw Error(Fault::bug, cat("the table of commands has no group ", quoted(name)));
}

std::vector<Command> add_commands(CLI::App& program) {
  std::map<std::string, CLI::App*> made;  // groups, by name
  std::vector<Command> commands;
  for (const Section& section : sections())
    for (const Verb& verb : section.verbs) {
      const std::vector<std::string> words = split(verb.path, ' ');
      CLI::App* parent = &program;
      if (words.size() == 2) {
        parent = made[words[0]];
        if (parent == nullptr) parent = made[words[0]] = add_group(program, words[0])->group(section.heading);
      }
      CLI::App* app = parent->add_subcommand(words.back(), verb.help);
      app->group(parent == &program ? section.heading : "Commands");
      commands.push_back({app, verb.add(*app)});
    }
  return commands;
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
