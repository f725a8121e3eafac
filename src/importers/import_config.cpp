// SPDX-License-Identifier: Apache-2.0
#include "importers/import_config.hpp"

#include <algorithm>
#include <array>

#include "config/parse_yaml.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "importers/programs.hpp"
#include "importers/references.hpp"

namespace pst::importers {
namespace {

using config::Node;

struct ProgramName {
  Program program;
  const char *word, *name;
};
constexpr std::array<ProgramName, 5> kPrograms = {{{Program::axolotl, "axolotl", "axolotl"},
                                                   {Program::llama_factory, "llama-factory", "LLaMA-Factory"},
                                                   {Program::torchtune, "torchtune", "torchtune"},
                                                   {Program::trl, "trl", "TRL"},
                                                   {Program::peft, "peft", "PEFT"}}};

/// By a key that only this program has.
std::optional<Program> recognised(const Node& document) {
  const auto has = [&](const char* key) { return document.find(key) != nullptr; };
  if (has("peft_type")) return Program::peft;
  if (has("base_model")) return Program::axolotl;
  if (const Node* model = document.find("model"); model && model->find("_component_")) return Program::torchtune;
  if (has("finetuning_type") || has("stage") || has("lora_target")) return Program::llama_factory;
  if (has("model_name_or_path")) return Program::trl;
  return std::nullopt;
}

const char* word_of(Note::Kind kind) {
  switch (kind) {
    case Note::Kind::to_do: return "to do: ";
    case Note::Kind::changed: return "differs: ";
    case Note::Kind::dropped: return "not carried over: ";
  }
  return "";
}

/// `## ` comments: first who made it, then what is to be done, then what differs.
std::string header(Program program, const std::string& name, const std::vector<Note>& notes) {
  std::string text =
      cat("# From a configuration of ", name_of(program), " (", quoted(name), "), by `peft-studio config import`.\n");
  for (const Note& note : notes) {
    std::string line = note.text;
    std::replace_if(
        line.begin(), line.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
    text += cat("#   ", word_of(note.kind), line, "\n");
  }
  return text + "\n";
}

/// A run's name from the file's: letters, digits and dashes.
std::string run_name(const std::string& file) {
  std::string stem = std::filesystem::path(file).stem().string(), name;
  for (const char c : stem) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (plain)
      name += c;
    else if (!name.empty() && name.back() != '-')
      name += '-';
  }
  while (!name.empty() && name.back() == '-') name.pop_back();
  return name.empty() ? "imported" : name.substr(0, 40);
}

/// Sections in the order in which a reader of recipes expects them.
Node in_order(const Node& tree) {
  Node sorted = Node::map();
  for (const char* key : {"name", "model", "adapter", "data", "train", "optimizer", "scheduler", "evaluate",
                          "checkpoint", "slurm", "output_dir"})
    if (const Node* value = tree.find(key)) sorted.entries.push_back({key, {}, *value});
  PST_ASSERT(sorted.entries.size() == tree.entries.size(), "every section that an importer writes has its place here");
  return sorted;
}

}  // namespace

std::optional<Program> program_named(std::string_view word) {
  for (const auto& known : kPrograms)
    if (word == known.word) return known.program;
  return std::nullopt;
}

const char* name_of(Program program) {
  for (const auto& known : kPrograms)
    if (known.program == program) return known.name;
  return "";
}

Imported import_config(std::string_view text, const std::string& name, std::optional<Program> program, int ranks) {
  config::Problems problems;
  Node document = config::parse_yaml(text, name, problems);
  problems.throw_if_any();
  if (document.kind != Node::Kind::map)
    throw Error(Fault::usage, cat(name, " holds ", document.describe(), ", and not the keys of a configuration"));
  if (!program) program = recognised(document);
  if (!program)
    throw Error(Fault::usage,
                cat(name,
                    " has none of the keys by which a configuration of axolotl, LLaMA-Factory, torchtune, TRL or PEFT "
                    "is known"),
                "say whose it is: --from axolotl (or llama-factory, torchtune, trl, peft)");

  std::vector<std::string> used;
  if (*program == Program::torchtune) used = resolve_references(document);
  ForeignFile file(std::move(document));
  for (const std::string& path : used) file.ignore({path});
  Draft draft([&file] { return file.origin(); });
  draft.set("name", run_name(name));
  switch (*program) {
    case Program::axolotl: from_axolotl(file, draft, ranks); break;
    case Program::llama_factory: from_llama_factory(file, draft, ranks); break;
    case Program::torchtune: from_torchtune(file, draft, ranks); break;
    case Program::trl: from_trl(file, draft, ranks); break;
    case Program::peft: from_peft(file, draft); break;
  }
  if (!draft.find("data.train")) {
    draft.add_source("data.train", "data/train.jsonl", "auto");
    file.note(Note::Kind::to_do, "", "it names no dataset: set data.train");
  }
  if (ranks > 1) {
    draft.set("slurm.nodes", std::int64_t{1});
    draft.set("slurm.ranks_per_node", static_cast<std::int64_t>(ranks));
  }
  file.note_the_rest();
  auto notes = file.notes();
  std::stable_sort(notes.begin(), notes.end(), [](const Note& a, const Note& b) { return a.kind < b.kind; });
  Node tree = in_order(draft.tree());
  std::string recipe = header(*program, name, notes) + config::to_yaml(tree);
  return {.program = *program, .recipe = std::move(recipe), .tree = std::move(tree), .notes = std::move(notes)};
}

}  // namespace pst::importers
