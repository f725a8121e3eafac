// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>

#include "tokenizer/trie.hpp"
#include "tokenizer/word_model.hpp"

namespace pst::tokenizer {

/// The longest token that the rest of a word begins with, until the word ends; where there is none, or the word is too
/// long, the whole word is unknown. Tokens that go on with a word are marked ("##ing").
/// @see Devlin et al. 2019, "BERT", arXiv:1810.04805
class WordPiece final : public WordModel {
 public:
  explicit WordPiece(const json::Object& model);
  void encode(std::string_view word, std::vector<Part>& out) const override;

 private:
  std::unique_ptr<Trie> begins_, goes_on_;
  std::string unknown_;
  std::size_t longest_word_;  // in characters
};

}  // namespace pst::tokenizer
