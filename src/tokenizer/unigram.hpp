// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <memory>

#include "tokenizer/trie.hpp"
#include "tokenizer/word_model.hpp"

namespace pst::tokenizer {

/// Tokens with log probabilities: a word becomes the tokens of largest sum.
/// @see Kudo 2018, "Subword regularization", arXiv:1804.10959
class Unigram final : public WordModel {
 public:
  explicit Unigram(const json::Object& model);
  /// Linear in the word, times the longest token.
  void encode(std::string_view word, std::vector<Part>& out) const override;

 private:
  void put_unknown(std::string_view text, std::vector<Part>& out) const;

  std::vector<double> scores_;
  std::unique_ptr<Trie> trie_;
  double unknown_score_ = 0;
  std::int32_t unknown_ = -1;  // none
  bool byte_fallback_ = false;
  std::array<std::int32_t, 256> byte_ids_{};  // of <0xNN>, -1 where there is none

  Unigram(const json::Object& model, std::vector<double> scores);
};

}  // namespace pst::tokenizer
