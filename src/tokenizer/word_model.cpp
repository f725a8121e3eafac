// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/word_model.hpp"

#include <nlohmann/json.hpp>

#include "tokenizer/bpe.hpp"
#include "tokenizer/byte_alphabet.hpp"
#include "tokenizer/unicode.hpp"
#include "tokenizer/unigram.hpp"
#include "tokenizer/unsupported.hpp"
#include "tokenizer/word_level.hpp"
#include "tokenizer/word_piece.hpp"

namespace pst::tokenizer {
namespace {

/// A model that knows characters only, given words of bytes: they are spelled in the byte alphabet for it.
class Spelled final : public WordModel {
 public:
  explicit Spelled(std::unique_ptr<WordModel> model) : WordModel(model->vocabulary()), model_(std::move(model)) {}

  void encode(std::string_view word, std::vector<Part>& out) const override {
    std::string letters;
    for (const char c : word) letters += letter_of(static_cast<unsigned char>(c));
    const std::size_t first = out.size();
    model_->encode(letters, out);
    std::size_t at = 0;
    for (std::size_t i = first; i < out.size(); ++i) {
      const std::size_t end = at + out[i].length;
      out[i].length = 0;
      for (; at < end; at += char_length(letters[at])) ++out[i].length;
    }
  }

 private:
  std::unique_ptr<WordModel> model_;
};

struct Kind {
  const char* name;
  std::unique_ptr<WordModel> (*read)(const json::Object&, Symbols);
};

template <class Model>
std::unique_ptr<WordModel> of_characters(const json::Object& model, Symbols symbols) {
  auto made = std::make_unique<Model>(model);
  if (symbols == Symbols::characters) return made;
  return std::make_unique<Spelled>(std::move(made));
}

constexpr Kind kKinds[] = {
    {"BPE",
     [](const json::Object& model, Symbols symbols) -> std::unique_ptr<WordModel> {
       return std::make_unique<Bpe>(model, symbols);
     }},
    {"Unigram", of_characters<Unigram>},
    {"WordPiece", of_characters<WordPiece>},
    {"WordLevel", of_characters<WordLevel>},
};

/// Old files do not say it.
std::string type_of(const json::Object& model) {
  if (const auto type = model.get("type")) return type->text();
  if (model.get("merges")) return "BPE";
  if (const auto vocab = model.get("vocab"); vocab && vocab->value().is_array()) return "Unigram";
  return model.get("max_input_chars_per_word") ? "WordPiece" : "WordLevel";
}

}  // namespace

void WordModel::encode_all(std::string_view text, std::span<const Range> words, std::vector<Placed>& out) const {
  std::vector<Part> parts;
  for (const Range word : words) {
    parts.clear();
    encode(text.substr(word.begin, word.size()), parts);
    place(parts, word.begin, out);
  }
}

void WordModel::place(std::span<const Part> parts, std::size_t at, std::vector<Placed>& out) {
  auto end = static_cast<std::uint32_t>(at), begin = end;
  for (const Part& part : parts) {
    if (part.length > 0) {
      begin = end;
      end += part.length;
    }
    out.push_back({part.id, begin, end});
  }
}

std::unique_ptr<WordModel> read_word_model(const json::Object& model, Symbols symbols) {
  const std::string type = type_of(model);
  for (const Kind& kind : kKinds)
    if (type == kind.name) return kind.read(model, symbols);
  unsupported(model.at("type"), "model '" + type + "'");
}

}  // namespace pst::tokenizer
