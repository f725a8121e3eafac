// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace pst::checkpoint {

/// A whole f32 tensor that lives elsewhere; the name may have '/' in it, which makes groups in the HDF5 files.
struct TensorRef {
  std::string name;
  std::vector<std::int64_t> shape;
  std::span<const float> values;
};

/// Where a whole tensor is to be read into.
struct Target {
  std::string name;
  std::vector<std::int64_t> shape;
  std::span<float> values;
};

/// Name and shape of a tensor; all are f32.
struct TensorSpec {
  std::string name;
  std::vector<std::int64_t> shape;
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
/// What `rank` of `ranks` stores of `rows`: [rows r / n, rows (r + 1) / n), so that all ranks together have each row
/// once.
Rows share_of(std::int64_t rows, int rank, int ranks);
/// Rows in a chunk of a share: about 4 MiB, so that one chunk is still in the cache when it is digested and written.
std::int64_t chunk_rows_of(std::int64_t rows, std::int64_t values_per_row);

/// @throws Error(bug) on a name twice, a name that HDF5 cannot have, a shape that does not fit the values
void check_tensors(const std::vector<TensorRef>& tensors);

/// True when `shape` has at most 8 dimensions, none negative, and fewer than 2^46 bytes of f32.
bool is_sane_shape(const std::vector<std::int64_t>& shape);

}  // namespace pst::checkpoint
