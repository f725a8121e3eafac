// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <iostream>

#include "cli/verb.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "families/read_model.hpp"
#include "methods/method.hpp"
#include "recipe/load.hpp"
#include "runs/starting_recipe.hpp"

namespace pst::cli {
namespace {

struct InitArguments {
  std::string purpose, model, data, name, output;
  int nodes = 0, ranks_per_node = 1;
};

/// Asks on the terminal; an empty line takes `otherwise`. @throws Error(usage) where nobody can answer
std::string ask(const std::string& question, const std::string& otherwise, const char* option) {
  if (::isatty(STDIN_FILENO) == 0)
    throw Error(Fault::usage, cat("nobody is there to answer: ", question), cat("give ", option));
  std::cerr << question << (otherwise.empty() ? "" : cat(" [", otherwise, "]")) << ": " << std::flush;
  std::string answer;
  if (!std::getline(std::cin, answer)) throw Error(Fault::stopped, "stopped; nothing was written");
  answer = trim(answer);
  return answer.empty() ? otherwise : answer;
}

void ask_for_what_is_missing(InitArguments& arguments) {
  if (arguments.purpose.empty()) {
    if (::isatty(STDIN_FILENO) != 0)
      for (const runs::Purpose& purpose : runs::purposes())
        std::cerr << "  " << purpose.word << std::string(10 - std::string_view(purpose.word).size(), ' ')
                  << purpose.title << "\n";
    arguments.purpose = ask("What is the model to learn", "chat", "--purpose");
  }
  runs::purpose_named(arguments.purpose);
  while (arguments.model.empty()) arguments.model = ask("Folder of the base model", "", "--model");
  while (arguments.data.empty()) arguments.data = ask("File with the examples", "", "--data");
  if (arguments.nodes == 0 && ::isatty(STDIN_FILENO) != 0) {
    const std::string nodes = ask("Slurm nodes (0: train on this machine)", "0", "--nodes");
    const auto count = to_int(nodes);
    if (!count || *count < 0 || *count > 100000)
      throw Error(Fault::usage, cat(quoted(nodes), " is no number of nodes"),
                  "answer with a whole number such as 1, or give --nodes 1");
    arguments.nodes = static_cast<int>(*count);
  }
}

int init(InitArguments arguments) {
  ask_for_what_is_missing(arguments);
  if (arguments.name.empty()) arguments.name = cat(arguments.purpose, "-", methods::table().front()->name);
  if (arguments.output.empty()) arguments.output = arguments.name + ".yaml";
  std::error_code status;
  if (fs::exists(arguments.output, status))
    throw Error(Fault::usage, cat(quoted(arguments.output), " exists"),
                "name another one with --output, or remove it first");
  runs::Start start = {.name = arguments.name,
                       .model = arguments.model,
                       .data = arguments.data,
                       .file = arguments.output,
                       .purpose = &runs::purpose_named(arguments.purpose),
                       .slurm = arguments.nodes > 0,
                       .nodes = std::max(1, arguments.nodes),
                       .ranks_per_node = arguments.ranks_per_node};
  std::vector<std::string> missing;
  if (fs::exists(fs::path(start.model) / "config.json", status))
    start.longest = families::read_model(start.model).positions;
  else
    missing.push_back(cat("the model's folder (there is no ", start.model, "/config.json yet)"));
  if (!fs::exists(start.data, status)) missing.push_back(cat("the data (there is no ", start.data, " yet)"));
  const std::string text = runs::starting_recipe(start);
  recipe::parse(text, arguments.output, {}, fs::current_path());  // names and paths may hold what a recipe refuses
  write_durably(arguments.output, text);
  std::cout << "written: " << arguments.output << "\n";
  for (const std::string& what : missing) std::cout << "missing: " << what << "\n";
  std::cout << "next: peft-studio validate " << shell_quoted(arguments.output) << "\n";
  return 0;
}

}  // namespace

Runner add_init(CLI::App& app) {
  auto arguments = std::make_shared<InitArguments>();
  std::vector<std::string> words;
  for (const runs::Purpose& purpose : runs::purposes()) words.emplace_back(purpose.word);
  app.add_option("--purpose", arguments->purpose, "What the model is to learn: " + join(words, ", "));
  app.add_option("--model", arguments->model, "Folder of the base model");
  app.add_option("--data", arguments->data, "File with the training examples");
  app.add_option("--name", arguments->name, "Name of the recipe and of its runs; by default <purpose>-<adapter.type>");
  app.add_option("--nodes", arguments->nodes, "Number of Slurm nodes; 0 trains on this machine")
      ->check(CLI::Range(0, 100000));
  app.add_option("--ranks-per-node", arguments->ranks_per_node, "Processes on each node, usually one per GPU")
      ->check(CLI::Range(1, 1024));
  app.add_option("-o,--output", arguments->output, "Recipe to write; by default <name>.yaml");
  return [arguments] { return init(*arguments); };
}

}  // namespace pst::cli
