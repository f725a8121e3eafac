// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pst::tokenizer {

using Merges = std::vector<std::pair<std::string, std::string>>;

/// What a tokenizer.json says, to be written from the files of older folders. The parts in JSON are written as they
/// are.
struct TokenizerText {
  struct Added {
    std::int64_t id;
    std::string content;
    bool special = true, lstrip = false, rstrip = false, single_word = false, normalized = false;
  };
  std::vector<std::optional<std::string>> tokens;  ///< by id
  std::vector<double> scores;                      ///< of a Unigram model, by id; else empty
  Merges merges;
  std::vector<Added> added;
  std::string normalizer = "null", pre_tokenizer = "null", decoder = "null";
  std::string model;                        ///< its other members: "\"type\": \"BPE\", ..."
  std::vector<std::int64_t> before, after;  ///< ids that stand around a text

  std::string to_json() const;
};

/// `text` in quotes, escaped.
std::string json_quoted(std::string_view text);

/// The merges of a vocabulary of scores: every split of a token into two others, the highest score first. Only tokens
/// whose place in `usable` is true take part. @see sentencepiece, bpe_model.cc; transformers, convert_slow_tokenizer.py
Merges merges_by_score(const std::vector<std::optional<std::string>>& tokens, const std::vector<double>& scores,
                       const std::vector<bool>& usable);
/// The same for bytes, by rank: the lowest first. @param tokens  by rank, in bytes. @return in the byte alphabet
Merges merges_by_rank(const std::vector<std::string>& tokens);

}  // namespace pst::tokenizer
