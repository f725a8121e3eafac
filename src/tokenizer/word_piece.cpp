// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/word_piece.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "tokenizer/token_length.hpp"
#include "tokenizer/unicode.hpp"

namespace pst::tokenizer {

WordPiece::WordPiece(const json::Object& model) : WordModel(Vocabulary::of_ids(model.at("vocab"))) {
  unknown_ = model.text("unk_token").value_or("[UNK]");
  const std::string mark = model.text("continuing_subword_prefix").value_or("##");
  const auto longest = model.get("max_input_chars_per_word");
  longest_word_ = longest ? static_cast<std::size_t>(longest->whole()) : 100;
  std::vector<std::pair<std::string_view, std::int32_t>> begins, goes_on;
  for (const auto& [token, id] : vocabulary().ids()) {
    check_token_length(token, model.at("vocab"));
    begins.emplace_back(token, id);
    if (token.starts_with(mark)) goes_on.emplace_back(std::string_view(token).substr(mark.size()), id);
  }
  begins_ = std::make_unique<Trie>(std::move(begins));
  goes_on_ = std::make_unique<Trie>(std::move(goes_on));
}

void WordPiece::encode(std::string_view word, std::vector<Part>& out) const {
  const std::size_t first = out.size();
  const auto characters = static_cast<std::size_t>(
      std::count_if(word.begin(), word.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
  bool is_known = characters <= longest_word_;
  for (std::size_t at = 0; is_known && at < word.size();) {
    Part longest{-1, 0};
    (at == 0 ? *begins_ : *goes_on_).each_prefix(word.substr(at), [&](std::size_t length, std::int32_t id) {
      longest = {id, static_cast<std::uint32_t>(length)};
    });
    is_known = longest.id >= 0;
    if (is_known) out.push_back(longest);
    at += longest.length;
  }
  if (is_known) return;
  out.resize(first);
  const auto unknown = vocabulary().id_of(unknown_);
  if (!unknown)
    throw Error(Fault::data,
                cat("the vocabulary has neither the word ", pst::quoted(word, 60), " nor ", pst::quoted(unknown_),
                    " for unknown ones"),
                "take tokenizer.json from the model's publisher");
  out.push_back({*unknown, static_cast<std::uint32_t>(word.size())});
}

}  // namespace pst::tokenizer
