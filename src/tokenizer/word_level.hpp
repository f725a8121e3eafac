// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "tokenizer/word_model.hpp"

namespace pst::tokenizer {

/// One token a word, or the unknown one.
class WordLevel final : public WordModel {
 public:
  explicit WordLevel(const json::Object& model);
  void encode(std::string_view word, std::vector<Part>& out) const override;

 private:
  std::string unknown_;
};

}  // namespace pst::tokenizer
