// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "gguf/file.hpp"
#include "weights/model_config.hpp"

namespace pst::gguf {

/// The model's config in Hugging Face's terms, from the `llama.*` metadata and the tensors that are there.
/// @throws Error(data) for any architecture but llama, and for what a config of the family cannot express
weights::ModelConfig llama_config(const File& file);

/// Where a Hugging Face tensor comes from.
struct Source {
  weights::TensorSpec target;
  const TensorInfo* tensor = nullptr;
  /// Above 0: llama.cpp has reordered the rows of each of so many heads for its rotary kernel; undo it.
  std::int64_t heads = 0;
};

/// One source per expected tensor, in that order. @throws Error(data) when a tensor is missing, left over or of another
/// shape
std::vector<Source> llama_sources(const File& file, const weights::ModelConfig& config);

/// Row of the file that becomes row `row` of the Hugging Face tensor. Within a head of d rows, the file alternates the
/// two halves that rotate together (0, d/2, 1, d/2 + 1, ...); Hugging Face keeps each half in one piece.
/// @see llama.cpp convert_hf_to_gguf.py, LlamaModel.permute
std::int64_t source_row(std::int64_t row, std::int64_t rows, std::int64_t heads);

}  // namespace pst::gguf
