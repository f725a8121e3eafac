// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "importers/draft.hpp"
#include "importers/foreign_file.hpp"

namespace pst::importers {

enum class Program { axolotl, llama_factory, torchtune, trl, peft };
std::optional<Program> program_named(
    std::string_view word);  ///< "axolotl", "llama-factory", "torchtune", "trl", "peft"
const char* name_of(Program program);

struct Imported {
  Program program;
  std::string recipe;       ///< YAML, headed by comments that say where it comes from and what is still to do
  config::Node tree;        ///< the same; each value's mark names the key of `name` that it comes from
  std::vector<Note> notes;  ///< what was not carried over as it was
};

/// A recipe that trains what `text`, a configuration of another program, trains. Where that program's default differs
/// from ours the recipe says its value. It is valid as a recipe; whether model and data are where it says is for the
/// user.
/// @param name   of the file, for messages
/// @param ranks  how many processes the file is run with there: their batches are per process
/// @throws Error(usage) for a text that is no such configuration, or one of a kind of training that we do not do
Imported import_config(std::string_view text, const std::string& name, std::optional<Program> program, int ranks);

}  // namespace pst::importers
