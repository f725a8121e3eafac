// SPDX-License-Identifier: Apache-2.0
#include "requests/command_line.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::requests {
namespace {

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
  for (const auto* command : at->get_subcommands([](const CLI::App* app) { return !app->get_group().empty(); }))
    commands.push_back(command->get_name());
  if (!commands.empty() && depth < words.size() && !words[depth].starts_with("-")) {
    const auto close = nearest(words[depth], commands);
    return {Fault::usage, cat(quoted(words[depth]), " is no command of ", typed),
            close ? cat("did you mean '", typed, " ", *close, "'?") : help};
  }
  std::string message(trim(problem.what()));
  std::replace(message.begin(), message.end(), '\n', ' ');
  return {Fault::usage, message, help};
}

}  // namespace

void add_time_limit(CLI::App& app, double& seconds) {
  app.add_option("--time-limit", seconds, "Seconds after which it ends with an error, whatever holds it up; 0: never")
      ->check(CLI::Range(0.0, 1e8))
      ->type_name("SECONDS")
      ->capture_default_str();
}

std::optional<int> parse_command_line(CLI::App& program, int argc, char** argv) {
  try {
    program.parse(argc, argv);
    return std::nullopt;
  } catch (const CLI::Success& help_or_version) {
    return program.exit(help_or_version);
  } catch (const CLI::ParseError& problem) {
    throw usage_error(program, problem, {argv + 1, argv + argc});
  }
}

}  // namespace pst::requests
