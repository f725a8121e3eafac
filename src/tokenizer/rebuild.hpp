// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace pst::tokenizer {

/// What a class of transformers 5 writes itself and does not take from tokenizer.json. The parts are JSON.
struct Rebuild {
  std::string normalizer, pre_tokenizer, decoder;
  std::string model;        ///< options of the BPE, in braces
  bool around_text = true;  ///< false: nothing stands around a text, whatever the file says
  /// Special tokens that the class names where no file does, in the order of transformers: {"bos_token", "<s>"}
  std::vector<std::pair<std::string, std::string>> names;
};

/// A tokenizer.json as such a class holds it: vocabulary, merges and post-processor of the file; the tokens of
/// `added_tokens_decoder` in tokenizer_config.json, or of the file without it, and the special tokens, with the ids
/// that the library gives them. @see transformers, tokenization_utils_tokenizers.py: convert_to_native_format, __init__
struct Rebuilt {
  std::string json;
  bool is_same = false;  ///< the file's pipeline and tokens are those already
};

/// @throws Error(data) on files that are not what they should be, Error(usage) on a model other than BPE
Rebuilt rebuild(const std::filesystem::path& model_dir, const Rebuild& parts);

}  // namespace pst::tokenizer
