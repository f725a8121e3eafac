// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "cli/verb.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "importers/import_config.hpp"
#include "recipe/load.hpp"

namespace pst::cli {
namespace {

struct ImportArguments {
  std::string file, from, output;
  int ranks = 1;
};

const char* heading(importers::Note::Kind kind) {
  switch (kind) {
    case importers::Note::Kind::to_do: return "to do before it can run";
    case importers::Note::Kind::changed: return "not the same here";
    case importers::Note::Kind::dropped: return "not carried over";
  }
  return "";
}

void print_notes(const std::vector<importers::Note>& notes) {
  std::optional<importers::Note::Kind> last;
  for (const auto& note : notes) {
    if (note.kind != last) std::cerr << heading(note.kind) << ":\n";
    last = note.kind;
    std::cerr << "  " << (note.mark.line > 0 ? cat(note.mark.line, ": ") : std::string()) << note.text << "\n";
  }
}

int import(const ImportArguments& arguments) {
  std::error_code status;
  if (!fs::is_regular_file(arguments.file, status))
    throw Error(Fault::usage, cat("there is no file ", quoted(arguments.file)),
                "name the other program's file: a YAML file, or adapter_config.json");
  if (!arguments.output.empty() && fs::exists(arguments.output, status))
    throw Error(Fault::usage, cat(quoted(arguments.output), " exists"), "name another file, or remove it first");
  std::optional<importers::Program> program;
  if (!arguments.from.empty()) program = importers::program_named(arguments.from);
  constexpr std::uint64_t kMost = 4u << 20;
  const auto imported =
      importers::import_config(read_file(arguments.file, kMost), arguments.file, program, arguments.ranks);
  doing("checking the imported recipe", [&] { recipe::parse(imported.tree, fs::current_path()); });
  if (arguments.output.empty()) {
    std::cout << imported.recipe << std::flush;
  } else {
    write_durably(arguments.output, imported.recipe);
    std::cerr << "written: " << arguments.output << ", from a configuration of " << importers::name_of(imported.program)
              << "\n";
  }
  print_notes(imported.notes);
  return 0;
}

}  // namespace

Runner add_config_import(CLI::App& app) {
  auto arguments = std::make_shared<ImportArguments>();
  app.add_option("FILE", arguments->file, "The other program's YAML file, or PEFT's adapter_config.json")->required();
  app.add_option("--from", arguments->from, "Program that the file belongs to; by default recognised by its keys")
      ->check(CLI::IsMember({"axolotl", "llama-factory", "torchtune", "trl", "peft"}));
  app.add_option("--ranks", arguments->ranks,
                 "Number of processes it is used with there, since its batch sizes are per process")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app.add_option("-o,--output", arguments->output, "Recipe to write; by default it is printed");
  return [arguments] { return import(*arguments); };
}

}  // namespace pst::cli
