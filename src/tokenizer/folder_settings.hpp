// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tokenizer/tokenizer_text.hpp"

namespace pst::tokenizer {

/// What tokenizer_config.json, special_tokens_map.json and added_tokens.json say beside a vocabulary.
struct FolderSettings {
  std::string tokenizer_class;
  std::optional<bool> add_bos, add_eos, add_prefix_space, legacy, lower_case;
  std::optional<std::string> bos, eos, unk;
  std::vector<TokenizerText::Added> added;  ///< by id, each once
  /// Scores go from a file to the model without a tokenizer.json in between, where the library loses a bit of them.
  bool exact_scores = false;
  std::vector<std::string> special;  ///< contents that special_tokens_map.json names
};

/// @throws Error(data) on a file that is not what it should be; absent ones say nothing
FolderSettings read_folder_settings(const std::filesystem::path& dir);

/// The `added_tokens_decoder` of tokenizer_config.json alone. @throws Error(data)
std::vector<TokenizerText::Added> configured_tokens(const std::filesystem::path& dir);

}  // namespace pst::tokenizer
