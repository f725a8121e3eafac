// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/view.hpp"

namespace pst::checkpoint {

/// A tensor that lives elsewhere, or those of its rows that this rank has: `values` are the rows from `first_row` on,
/// f32 or u8. The name may have '/' in it, which makes groups in the HDF5 files.
struct TensorRef {
  std::string name;
  std::vector<std::int64_t> shape;
  ConstView values;
  std::int64_t first_row = 0;
};

/// Where a tensor is to be read into, or the rows from `first_row` on, as many as there is room for.
struct Target {
  std::string name;
  std::vector<std::int64_t> shape;
  View values;
  std::int64_t first_row = 0;
};

struct TensorSpec {
  std::string name;
  std::vector<std::int64_t> shape;
  Dtype dtype = Dtype::f32;  ///< or u8
  friend bool operator==(const TensorSpec&, const TensorSpec&) = default;
};

/// The rows [begin, end) of a tensor, along its first dimension. A tensor without dimensions has one row.
struct Rows {
  std::int64_t begin = 0, end = 0;
  std::int64_t count() const { return end - begin; }
};

std::int64_t rows_of(const std::vector<std::int64_t>& shape);
/// Values of one row: the product of all dimensions but the first.
std::int64_t row_values(const std::vector<std::int64_t>& shape);
/// The rows that `values` are of a tensor of this shape. @throws Error(bug) when they are no whole rows of it
Rows rows_held(const std::vector<std::int64_t>& shape, std::int64_t first_row, std::int64_t values);

/// The rows that each rank stores, of every tensor: [tensor][rank]. The shares of a tensor lie end to end, in the order
/// of the ranks, and have each of its rows once; a share may be empty.
using Division = std::vector<std::vector<Rows>>;
/// Equal shares of each tensor: rank r of n stores [rows r / n, rows (r + 1) / n).
Division even_division(const std::vector<TensorSpec>& tensors, int ranks);
/// Rows in a chunk of a share: about 4 MiB, so that one chunk is still in the cache when it is digested and written.
std::int64_t chunk_rows_of(std::int64_t rows, std::int64_t values_per_row);

/// @throws Error(bug) on a name twice, a name that HDF5 cannot have, values that are no rows of the shape
void check_tensors(const std::vector<TensorRef>& tensors);

/// "F32" or "U8". Nothing for what no checkpoint has.
std::optional<Dtype> stored_dtype(std::string_view word);
const char* word_of(Dtype stored);

/// True when `shape` has at most 8 dimensions, none negative, and fewer than 2^46 bytes of f32.
bool is_sane_shape(const std::vector<std::int64_t>& shape);

}  // namespace pst::checkpoint
