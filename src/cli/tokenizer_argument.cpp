// SPDX-License-Identifier: Apache-2.0
#include "cli/tokenizer_argument.hpp"

#include "families/open_tokenizer.hpp"
#include "recipe/load.hpp"
#include "rundir/run_dir.hpp"

namespace pst::cli {
namespace {

using families::TokenizerPipeline;

std::vector<std::string> words() {
  std::vector<std::string> all;
  for (const auto& [word, pipeline] : words_of(TokenizerPipeline::file)) all.emplace_back(word);
  return all;
}

}  // namespace

recipe::Model TokenizerArguments::model() const {
  recipe::Model model{.path = folder, .quantization = {}};
  std::error_code ignored;
  if (std::filesystem::exists(std::filesystem::path(folder) / "run.json", ignored)) {
    const rundir::RunDir run(folder);
    model.path = run.read_record().model_path.string();
    model.tokenizer = recipe::load(run.recipe()).model.tokenizer;
  }
  for (const auto& [word, one] : words_of(TokenizerPipeline::file))
    if (pipeline == word) model.tokenizer = one;
  return model;
}

tokenizer::Tokenizer TokenizerArguments::open() const {
  const recipe::Model chosen = model();
  return families::open_tokenizer(chosen.path, chosen.tokenizer);
}

void add_tokenizer_arguments(CLI::App& app, TokenizerArguments& arguments) {
  app.add_option("DIR", arguments.folder,
                 "A Hugging Face model folder, or a run's folder: its model, and model.tokenizer of its recipe")
      ->required();
  app.add_option("--tokenizer", arguments.pipeline, "As model.tokenizer: whose token ids count")
      ->check(CLI::IsMember(words()));
}

}  // namespace pst::cli
