// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <string_view>
#include <vector>

#include "json/object.hpp"
#include "tokenizer/vocabulary.hpp"

namespace pst::tokenizer {

/// How a word is spelled for its model: one symbol per byte, or one per character.
enum class Symbols { bytes, characters };

/// A token and how many bytes of the word it stands for. One of length 0 stands for those of the part before it.
struct Part {
  std::int32_t id;
  std::uint32_t length;
};

/// The `model` of tokenizer.json: turns one word into tokens. Immutable after construction.
class WordModel {
 public:
  virtual ~WordModel() = default;
  /// Appends the tokens of `word`, which is not empty. @throws Error(data) on one that the model has no token for
  virtual void encode(std::string_view word, std::vector<Part>& out) const = 0;

  const Vocabulary& vocabulary() const { return vocabulary_; }

 protected:
  explicit WordModel(Vocabulary vocabulary) : vocabulary_(std::move(vocabulary)) {}

 private:
  Vocabulary vocabulary_;
};

/// Reads the model of the kind that `type` names: BPE, Unigram, WordPiece, WordLevel. @throws Error(data)
std::unique_ptr<WordModel> read_word_model(const json::Object& model, Symbols symbols);

}  // namespace pst::tokenizer
