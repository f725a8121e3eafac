// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/view.hpp"
#include "nn/linear.hpp"
#include "weights/place.hpp"
#include "weights/safetensors.hpp"

namespace pst::nn {

/// A frozen matrix W [out, in] in a model's files.
struct MatrixSource {
  const weights::TensorStore& store;
  std::string name;  ///< model.layers.0.mlp.up_proj.weight: of the stored tensor, unless it has another place
  std::int64_t out = 0, in = 0;
  std::optional<weights::Place> place = {};
  const std::string& tensor() const { return place ? place->tensor : name; }
};

/// One array of those that keep a frozen matrix in memory: its values, or its codes, or the scales of these.
struct Part {
  std::string suffix;  ///< tells the parts of one matrix apart; empty for the values themselves
  Dtype dtype = Dtype::f32;
  std::vector<std::int64_t> shape;
};

/// How frozen matrices are kept: as they are computed with, or quantised. Parts are made piece by piece, so that a rank
/// that keeps a share of a matrix reads little more of the files than that share.
class FrozenFormat {
 public:
  virtual ~FrozenFormat() = default;

  virtual std::vector<Part> parts(const MatrixSource& matrix) const = 0;

  /// How the embedding and the head are kept beside such matrices: as numbers.
  virtual std::unique_ptr<FrozenFormat> of_ends(Dtype compute) const;

  /// How many f32 values about the whole matrix packing a piece of it needs: NF4 with double quantisation wants the
  /// largest magnitude of every block. Each is a function of some consecutive values of the matrix.
  virtual std::int64_t statistics(const MatrixSource&) const { return 0; }
  /// Computes statistics [begin, end).
  virtual void collect(const MatrixSource&, std::int64_t begin, std::int64_t end, float* into) const;

  /// Makes bytes [begin, end) of one part; the same bytes whatever the cuts.
  /// @param statistics  all of them
  /// @throws Error(data) when the file holds something that this format cannot keep
  virtual void pack(const MatrixSource& matrix, std::span<const float> statistics, std::size_t part, std::size_t begin,
                    std::size_t end, std::byte* into) const = 0;

  /// The layer over its parts, whose memory need not hold anything yet. @param bias [out], or none
  virtual std::unique_ptr<Linear> make(const MatrixSource& matrix, const std::vector<at::Tensor>& parts,
                                       std::optional<at::Tensor> bias) const = 0;
};

/// Bytes [begin, end) of a stored tensor's values converted to `compute`, f32 or bf16. Cuts fall between values.
/// @throws Error(data) when its dtype has no name in core
void pack_values(const weights::Tensor& stored, Dtype compute, std::size_t begin, std::size_t end, std::byte* into);

/// What of values in files of bf16 is kept in memory for products in f32. Their bits are the same.
enum class Kept {
  as_computed,  ///< f32, which the fastest products of many rows want
  as_stored     ///< bf16: half the bytes to read at each token, for products by rows (ops/row_by_row.hpp) alone
};

/// Values in the dtype of products, f32 or bf16, but for what is `kept` otherwise.
std::unique_ptr<FrozenFormat> dense_format(Dtype compute, Kept kept = Kept::as_computed);

}  // namespace pst::nn
