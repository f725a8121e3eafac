// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace pst::families {

/// Whose token ids count: those of the model's file, as the library `tokenizers` gives them, or those of transformers
/// 5, which makes the tokenizer of some classes anew from the vocabulary alone.
enum class TokenizerPipeline { file, transformers };

std::vector<std::pair<const char*, TokenizerPipeline>> words_of(TokenizerPipeline);

/// What an adapter's file of tensors says of it, in its metadata: nothing for `file`.
std::map<std::string, std::string> pipeline_metadata(TokenizerPipeline pipeline);
/// @throws Error(data) on a word that is none
TokenizerPipeline pipeline_in(const std::map<std::string, std::string>& metadata);

}  // namespace pst::families
