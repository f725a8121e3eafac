// SPDX-License-Identifier: Apache-2.0
#include "cli/program.hpp"

#include <iostream>
#include <map>

#include "cli/table.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "requests/command_line.hpp"
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

int parse_and_run(int argc, char** argv) {
  CLI::App program("Fine-tunes language models with PEFT on Slurm clusters", "peft-studio");
  program.set_version_flag("--version", cat("peft-studio ", version()));
  program.require_subcommand(1);
  program.get_formatter()->column_width(34);
  const auto commands = add_commands(program);
  if (const auto done = requests::parse_command_line(program, argc, argv)) return *done;
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
