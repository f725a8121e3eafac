// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "families/family.hpp"
#include "gguf/gguf_file.hpp"

namespace pst::gguf {

/// Whose model the file holds. @throws Error(data) for an architecture that no family has, and for a mixture of experts
const families::Family& family_of(const File& file);

/// The text of the model's config.json, as transformers 4 spells it and 5 reads it, from the file's metadata and the
/// tensors that are there. @throws Error(data) for what a config of the family cannot express
std::string config_json(const File& file, const families::Family& family);
/// The text of the generation_config.json that goes with it.
std::string generation_config_json(const families::ModelSpec& model);

/// Where a Hugging Face tensor comes from.
struct Source {
  families::TensorSpec target;
  const TensorInfo* tensor = nullptr;
  /// Above 0: llama.cpp has reordered the rows of each of so many heads for its rotary kernel; undo it.
  std::int64_t heads = 0;
};

/// One source per tensor of the model, in that order. @throws Error(data) when a tensor is missing, left over or of
/// another shape
std::vector<Source> sources_of(const File& file, const families::Family& family, const families::ModelSpec& model);

/// Row of the file that becomes row `row` of the Hugging Face tensor. Within a head of d rows, the file alternates the
/// two halves that rotate together (0, d/2, 1, d/2 + 1, ...); Hugging Face keeps each half in one piece.
/// @see llama.cpp convert_hf_to_gguf.py, LlamaModel.permute
std::int64_t source_row(std::int64_t row, std::int64_t rows, std::int64_t heads);

}  // namespace pst::gguf
