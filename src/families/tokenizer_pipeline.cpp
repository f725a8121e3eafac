// SPDX-License-Identifier: Apache-2.0
#include "families/tokenizer_pipeline.hpp"

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::families {
namespace {

constexpr const char* kKey = "model.tokenizer";

}  // namespace

std::vector<std::pair<const char*, TokenizerPipeline>> words_of(TokenizerPipeline) {
  return {{"file", TokenizerPipeline::file}, {"transformers", TokenizerPipeline::transformers}};
}

std::map<std::string, std::string> pipeline_metadata(TokenizerPipeline pipeline) {
  if (pipeline == TokenizerPipeline::file) return {};
  return {{kKey, "transformers"}};
}

TokenizerPipeline pipeline_in(const std::map<std::string, std::string>& metadata) {
  const auto said = metadata.find(kKey);
  if (said == metadata.end()) return TokenizerPipeline::file;
  for (const auto& [word, pipeline] : words_of(TokenizerPipeline::file))
    if (said->second == word) return pipeline;
  throw Error(Fault::data, cat("the adapter's metadata says model.tokenizer: ", quoted(said->second, 40)),
              "use a version of peft-studio that knows it");
}

}  // namespace pst::families
