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
#include "weights/number_format.hpp"
#include "weights/safetensors.hpp"
#include "weights/tensor_writer.hpp"

namespace pst::lowbit {

/// A matrix [out, in] in a model's files, as numbers or quantised already.
struct Matrix {
  const weights::TensorStore& store;
  std::string name;  ///< of the stored tensor: model.layers.0.mlp.up_proj.weight
  std::int64_t out = 0, in = 0;
  std::int64_t count() const { return out * in; }
};

using Bytes = std::vector<std::byte>;

/// One of the arrays that keep a quantised matrix.
struct Array {
  std::string suffix;  ///< empty for the codes
  Dtype dtype = Dtype::u8;
  std::vector<std::int64_t> shape;
  std::size_t bytes() const;
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

  /// The tensors that hold a matrix in a model's folder (weights::StoredLayout), of a matrix that is numbers now.
  virtual std::vector<weights::PlannedTensor> stored_tensors(const Matrix& matrix) const = 0;
  /// Their bytes. @param arrays  what pack() makes, whole
  virtual std::vector<Bytes> stored_bytes(const Matrix& matrix, std::vector<Bytes> arrays) const = 0;
};

enum class Scales { plain, quantised };  ///< the latter is double quantisation

/// What a product reads of a quantised matrix.
enum class Product {
  numbers,  ///< made of its codes before
  fp8       ///< the codes on a GPU that multiplies 8-bit floats, numbers elsewhere
};

/// How matrices are packed in a number format: a row for each that is not `none`.
struct Packing {
  weights::NumberFormat format;
  Product product;
  /// The arrays of a matrix that was numbers.
  std::vector<Array> (*arrays)(std::int64_t out, std::int64_t in, Scales scales);
  /// How many of its scales are made f32 of codes of their own before they are used; null: none ever.
  std::int64_t (*scales_made)(std::int64_t out, std::int64_t in, Scales scales);
  std::unique_ptr<Codec> (*codec)(Scales scales, Exec on);
};
std::span<const Packing* const> packings();
/// @throws Error(bug) for `none`
const Packing& packing_of(weights::NumberFormat format);
/// Bytes of the arrays of a matrix.
std::size_t packed_bytes(weights::NumberFormat format, Scales scales, std::int64_t out, std::int64_t in);
/// The codec of a format that is not `none`. @param scales  of NF4
std::unique_ptr<Codec> codec_of(weights::NumberFormat format, Scales scales, const Exec& on);

/// Arrays: codes u8 [(n + 1) / 2] and `absmax` f32 [blocks of 64]. With quantised scales: codes, `absmax` u8 [blocks],
/// `nested_absmax` f32 [blocks / 256], `nested_map` f32 [256], `nested_offset` f32 [1]. A file's own choice counts.
/// @see kernels/nf4/nf4.hpp
std::unique_ptr<Codec> nf4_codec(Scales scales, Exec on);
extern const Packing kNf4;

/// Arrays: codes u8 [out, in], `scale` f32 [out]. @see kernels/fp8/fp8.hpp
std::unique_ptr<Codec> fp8_codec(Exec on);
extern const Packing kFp8;

/// Arrays: codes i8 [out, in], `absmax` f32 [out]. @see kernels/int8/int8.hpp
std::unique_ptr<Codec> int8_codec(Exec on);
extern const Packing kInt8;

/// Values [begin, end) of a stored tensor as f32. @throws Error(data) when it does not hold numbers
void read_values(const weights::Tensor& stored, std::int64_t begin, std::int64_t end, float* into);

/// @throws Error(data) naming the tensor and where, when one of `values` is no number
void require_finite(const weights::Tensor& tensor, std::span<const float> values, std::int64_t first);

}  // namespace pst::lowbit
