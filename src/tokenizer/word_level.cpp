// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/word_level.hpp"

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::tokenizer {

WordLevel::WordLevel(const json::Object& model)
    : WordModel(Vocabulary::of_ids(model.at("vocab"))), unknown_(model.text("unk_token").value_or("<unk>")) {}

void WordLevel::encode(std::string_view word, std::vector<Part>& out) const {
  auto id = vocabulary().id_of(word);
  if (!id) id = vocabulary().id_of(unknown_);
  if (!id)
    throw Error(Fault::data,
                cat("the vocabulary has neither the word ", pst::quoted(word, 60), " nor ", pst::quoted(unknown_),
                    " for unknown ones"),
                "take tokenizer.json from the model's publisher");
  out.push_back({*id, static_cast<std::uint32_t>(word.size())});
}

}  // namespace pst::tokenizer
