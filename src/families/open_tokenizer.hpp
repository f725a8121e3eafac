// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "families/tokenizer_pipeline.hpp"
#include "tokenizer/tokenizer.hpp"

namespace pst::families {

/// The tokenizer of a model's folder. Where transformers keeps the file, both pipelines are one, with one digest.
/// @throws Error(data); Error(usage) for `transformers` where its class is not followed here
tokenizer::Tokenizer open_tokenizer(const std::filesystem::path& model_dir, TokenizerPipeline pipeline);

/// What the pipeline that was not chosen makes of the same text.
struct OtherTokenizer {
  std::string class_name;                         ///< of transformers, which rebuilds
  std::optional<tokenizer::Tokenizer> tokenizer;  ///< nothing: what it does is not followed here
};
/// Nothing where both are one.
std::optional<OtherTokenizer> other_tokenizer(const std::filesystem::path& model_dir, TokenizerPipeline chosen);

}  // namespace pst::families
