// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "json/object.hpp"
#include "tokenizer/aligned.hpp"
#include "tokenizer/vocabulary.hpp"

namespace pst::tokenizer {

/// How a word is spelled for its model: one symbol per byte, or one per character.
enum class Symbols { bytes, characters };

/// A token and how many bytes of the word it stands for. One of length 0 stands for those of the part before it.
struct Part {
  std::int32_t id;
  std::uint32_t length;
};

/// A token and the bytes of a text that it stands for.
struct Placed {
  std::int32_t id;
  std::uint32_t begin, end;
};

/// The `model` of tokenizer.json: turns one word into tokens. Immutable after construction.
class WordModel {
 public:
  virtual ~WordModel() = default;
  /// Appends the tokens of `word`, which is not empty. @throws Error(data) on one that the model has no token for
  virtual void encode(std::string_view word, std::vector<Part>& out) const = 0;
  /// Appends those of all `words` of a text of less than 4 GiB; none is empty. One of no length has the place of the
  /// one before it.
  virtual void encode_all(std::string_view text, std::span<const Range> words, std::vector<Placed>& out) const;

  const Vocabulary& vocabulary() const { return vocabulary_; }

 protected:
  explicit WordModel(Vocabulary vocabulary) : vocabulary_(std::move(vocabulary)) {}
  static void place(std::span<const Part> parts, std::size_t at, std::vector<Placed>& out);

 private:
  Vocabulary vocabulary_;
};

/// Reads the model of the kind that `type` names: BPE, Unigram, WordPiece, WordLevel. @throws Error(data)
std::unique_ptr<WordModel> read_word_model(const json::Object& model, Symbols symbols);

}  // namespace pst::tokenizer
