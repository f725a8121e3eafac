// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/view.hpp"
#include "families/family.hpp"
#include "families/gguf_names.hpp"
#include "gguf/gguf_file.hpp"

namespace pst::gguf {

/// Where a Hugging Face tensor comes from.
struct Source {
  families::TensorSpec target;
  /// One tensor, or two of which each has half of the rows.
  struct Piece {
    const TensorInfo* tensor = nullptr;
    std::int64_t first = 0, step = 1;  ///< its row j is row first + j * step of the target
  };
  std::vector<Piece> pieces;
  families::GgufRows rows = families::GgufRows::same;
  std::int64_t heads = 0;    ///< whose rows are reordered
  std::int64_t member = -1;  ///< the target is this one of the matrices in the tensor; below 0: all of it
  double offset = 0;         ///< the file's values are larger by this
};

/// One source per tensor of the model, in that order. @throws Error(data) when a tensor is missing, left over or of
/// another shape
std::vector<Source> sources_of(const File& file, const families::Family& family, const families::ModelSpec& model);

/// Where a model's matrix is in GGUF files of its family.
struct StoredMatrix {
  std::vector<std::string> tensors;  ///< one, or two of which each has half of the rows
  bool alternating = false;          ///< those halves alternate
  bool one_of_several = false;       ///< the tensor has other matrices too: experts
  families::GgufRows rows = families::GgufRows::same;
  std::int64_t heads = 0;  ///< whose rows are reordered
};
/// Of tensor `name` of the model; nothing where such files have no place for it. @param family  has GGUF names
std::optional<StoredMatrix> matrix_in_gguf(const std::string& name, const families::Family& family,
                                           const families::ModelSpec& model);

/// Row of the target that row `row` of the file becomes.
/// pairs: within a head of d rows, the file alternates the two halves that rotate together (0, d/2, 1, d/2 + 1, ...).
/// thirds: q, k and v of a head are d rows each, one behind the other.
/// @see llama.cpp convert_hf_to_gguf.py, LlamaModel.permute and GPTNeoXModel.modify_tensors
std::int64_t target_row(std::int64_t row, std::int64_t rows, families::GgufRows order, std::int64_t heads);

/// The target's values in bf16. Goes row by row: the peak is the target.
/// @throws Error(data) for a value that is not finite
void convert(const File& file, const Source& source, std::vector<bf16>& out);

}  // namespace pst::gguf
