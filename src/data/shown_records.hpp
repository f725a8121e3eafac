// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <string>

#include "data/encoder.hpp"
#include "recipe/data.hpp"
#include "recipe/model.hpp"

namespace pst::data {

/// A record as training takes it.
struct ShownRecord {
  std::string place;  ///< "data.jsonl:12"
  EncodeResult result;
  std::vector<Note> notes;  ///< of the record and of its encoding
};

/// Renders, cuts into tokens and labels the first records of a file, by what `prepare` does it with.
/// @param model     its folder, and whose tokenizer counts
/// @param settings  `train` holds the one file; `max_examples` says how many records
/// @throws Error(data) listing what is wrong in the records, once those that are right were handed over
void show_records(const recipe::Model& model, const recipe::Data& settings,
                  const std::function<void(const ShownRecord&)>& take);

}  // namespace pst::data
