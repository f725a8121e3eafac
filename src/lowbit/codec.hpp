// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/exec.hpp"
#include "core/view.hpp"
#include "weights/safetensors.hpp"
#include "weights/stored_format.hpp"

namespace pst::lowbit {

/// A matrix [out, in] in a model's files, as numbers or quantised already.
struct Matrix {
  const weights::TensorStore& store;
  std::string name;  ///< of the stored tensor: model.layers.0.mlp.up_proj.weight
  std::int64_t out = 0, in = 0;
  std::int64_t count() const { return out * in; }
};

/// One of the arrays that keep a quantised matrix.
struct Array {
  std::string suffix;  ///< empty for the codes
  Dtype dtype = Dtype::u8;
  std::vector<std::int64_t> shape;
};

/// Makes the arrays of quantised matrices, piece by piece: the same bytes whatever the cuts. Where the files hold the
/// matrix in this format already, its arrays are checked and taken as they are.
class Codec {
 public:
  virtual ~Codec() = default;
  virtual std::vector<Array> arrays(const Matrix& matrix) const = 0;
  /// How many f32 values about the whole matrix pack() wants; 0 for one that is quantised already.
  virtual std::int64_t statistics(const Matrix& matrix) const = 0;
  /// Computes statistics [begin, end).
  /// @throws Error(data) naming tensor and row of a value that the format cannot keep: a NaN, an infinity
  virtual void collect(const Matrix& matrix, std::int64_t begin, std::int64_t end, float* into) const = 0;
  /// Makes bytes [begin, end) of one array. @param statistics all of them
  /// @throws Error(data) when a quantised file holds scales that are not finite
  virtual void pack(const Matrix& matrix, std::span<const float> statistics, std::size_t array, std::size_t begin,
                    std::size_t end, std::byte* into) const = 0;
};

enum class Scales { plain, quantised };  ///< the latter is double quantisation

/// Arrays: codes u8 [(n + 1) / 2] and `absmax` f32 [blocks of 64]. With quantised scales: codes, `absmax` u8 [blocks],
/// `nested_absmax` f32 [blocks / 256], `nested_map` f32 [256], `nested_offset` f32 [1]. A file's own choice counts.
/// @see kernels/nf4/nf4.hpp
std::unique_ptr<Codec> nf4_codec(Scales scales, Exec on);

/// Arrays: codes u8 [out, in], `scale` f32 [out]. @see kernels/fp8/fp8.hpp
std::unique_ptr<Codec> fp8_codec(Exec on);

/// Arrays: codes i8 [out, in], `absmax` f32 [out]. @see kernels/int8/int8.hpp
std::unique_ptr<Codec> int8_codec(Exec on);

/// The codec of a format that is not dense. @param scales  of NF4
std::unique_ptr<Codec> codec_of(weights::StoredFormat format, Scales scales, const Exec& on);

/// Values [begin, end) of a stored tensor as f32. @throws Error(data) when it does not hold numbers
void read_values(const weights::Tensor& stored, std::int64_t begin, std::int64_t end, float* into);

/// @throws Error(data) naming the tensor and where, when one of `values` is no number
void require_finite(const weights::Tensor& tensor, std::span<const float> values, std::int64_t first);

}  // namespace pst::lowbit
