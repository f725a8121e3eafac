// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <CLI/App.hpp>
#include <optional>
#include <string>

#include "recipe/model.hpp"
#include "tokenizer/tokenizer.hpp"

namespace pst::cli {

/// DIR [--tokenizer file|transformers]: a model's folder, or a run's, whose recipe says the rest.
struct TokenizerArguments {
  std::string folder;
  std::optional<std::string> pipeline;

  /// Folder and pipeline as a recipe would say them.
  recipe::Model model() const;
  tokenizer::Tokenizer open() const;
};
void add_tokenizer_arguments(CLI::App& app, TokenizerArguments& arguments);

}  // namespace pst::cli
