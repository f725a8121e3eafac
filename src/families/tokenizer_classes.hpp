// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "tokenizer/rebuild.hpp"

namespace pst::families {

/// The class that transformers 5 opens a folder's tokenizer.json with.
struct TokenizerClass {
  enum class Kind { keeps_file, rebuilds, not_followed };
  Kind kind = Kind::keeps_file;
  std::string name;            ///< "GPT2Tokenizer"; empty where the file is kept
  tokenizer::Rebuild rebuild;  ///< of one that rebuilds
};

/// By the model_type and tokenizer_class of config.json and the tokenizer_class of tokenizer_config.json.
/// @see transformers 5.23, models/auto/tokenization_auto.py: AutoTokenizer.from_pretrained
TokenizerClass tokenizer_class_of(const std::filesystem::path& model_dir);

}  // namespace pst::families
