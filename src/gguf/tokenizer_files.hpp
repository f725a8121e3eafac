// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>

#include "families/spec.hpp"
#include "gguf/gguf_file.hpp"

namespace pst::gguf {

/// The texts of the files that describe a tokenizer in a Hugging Face folder.
struct TokenizerFiles {
  std::string tokenizer_json, tokenizer_config_json;
  std::optional<std::string> chat_template;
};

/// Rebuilds them from the `tokenizer.*` metadata: byte-level BPE with the pre-tokeniser that `tokenizer.ggml.pre`
/// names, or SentencePiece's BPE or Unigram from scores.
/// @throws Error(data) for another tokenizer model or pre-tokeniser, a merge of unknown tokens, a token that occurs
/// twice ...
/// @see formats of huggingface/tokenizers; llama.cpp, llama-vocab.cpp for what the names stand for
TokenizerFiles tokenizer_files(const File& file, const families::ModelSpec& model);

}  // namespace pst::gguf
