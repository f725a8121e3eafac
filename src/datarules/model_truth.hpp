// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <filesystem>
#include <vector>

#include "data/chat_format.hpp"
#include "recipe/data.hpp"
#include "tokenizer/tokenizer.hpp"

namespace pst::datarules {

/// The recipe's model, as far as data go through it.
struct ModelTruth {
  tokenizer::Tokenizer tokenizer;
  data::ChatFormat format;
  std::vector<std::int32_t> end_ids;  ///< at which generation stops, by the model's own files; may be empty
  bool adds_bos = false;              ///< its tokenizer puts a first token before texts
};

/// @param settings  chat_template and date; the rest is not looked at
/// @throws Error(data) as tokenizer and template do
ModelTruth load_model_truth(const std::filesystem::path& folder, const recipe::Data& settings);

}  // namespace pst::datarules
