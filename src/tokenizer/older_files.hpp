// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <optional>
#include <string>

namespace pst::tokenizer {

/// A tokenizer.json made of what a folder has in its place.
struct ConvertedTokenizer {
  std::string json;
  std::filesystem::path from;  ///< the file that it was made of
};

/// From, in this order: tekken.json, tokenizer.model (SentencePiece's, or tiktoken's), a *.tiktoken, vocab.json with
/// merges.txt, vocab.txt. tokenizer_config.json, special_tokens_map.json and added_tokens.json say the rest.
/// @return nothing when the folder has none of them. @throws Error(data) on one that cannot be followed exactly
std::optional<ConvertedTokenizer> convert_older_files(const std::filesystem::path& dir);

}  // namespace pst::tokenizer
