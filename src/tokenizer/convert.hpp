// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>

#include "tokenizer/folder_settings.hpp"
#include "tokenizer/sentencepiece_model.hpp"
#include "tokenizer/tokenizer_text.hpp"

namespace pst::tokenizer {

// One function per format; each returns the text of a tokenizer.json. @param name  the file, for messages
// @see transformers, convert_slow_tokenizer.py

std::string convert_sentencepiece(const SentencePieceModel& model, const FolderSettings& settings,
                                  const std::string& name);
/// "base64 rank" lines. The pattern and the special tokens are in no file: the number of ranks says whose they are.
std::string convert_tiktoken(std::string_view content, const FolderSettings& settings, const std::string& name);
bool is_tiktoken(std::string_view content);
std::string convert_tekken(const std::string& content, const std::string& name);
/// The class in tokenizer_config.json says the pattern.
std::string convert_vocab_and_merges(const std::string& vocab, const std::string& vocab_name, std::string_view merges,
                                     const FolderSettings& settings);
std::string convert_vocab_txt(std::string_view content, const FolderSettings& settings, const std::string& name);

// Parts that several of them write.
inline constexpr std::string_view kByteLevelDecoder =
    R"({"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true})";
std::string split_by(std::string_view pattern);  ///< the pre-tokenizer of all that are byte-level
/// Tokens that tokenizer_config.json adds to those in `text`, and flags that it sets otherwise.
void add_settings(TokenizerText& text, const FolderSettings& settings);

}  // namespace pst::tokenizer
