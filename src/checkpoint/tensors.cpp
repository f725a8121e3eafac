// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/tensors.hpp"

#include <algorithm>
#include <set>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "weights/dtype.hpp"

namespace pst::checkpoint {
namespace {

constexpr std::int64_t kChunkBytes = 4 << 20;
constexpr std::int64_t kLargestRowBytes = std::int64_t{1} << 31;  // an HDF5 chunk has fewer than 2^32 bytes

bool is_name(const std::string& name) {
  if (name.empty() || name.size() > 512 || !is_utf8(name) || find_control(name)) return false;
  const auto parts = split(name, '/');
  return std::all_of(parts.begin(), parts.end(), [](const std::string& part) { return part != "" && part != "."; });
}

}  // namespace

std::int64_t rows_of(const std::vector<std::int64_t>& shape) { return shape.empty() ? 1 : shape[0]; }

std::int64_t row_values(const std::vector<std::int64_t>& shape) {
  std::int64_t values = 1;
  for (std::size_t i = 1; i < shape.size(); ++i) values *= shape[i];
  return values;
}

Rows rows_held(const std::vector<std::int64_t>& shape, std::int64_t first_row, std::int64_t count) {
  const std::int64_t rows = rows_of(shape), each = row_values(shape);
  if (each == 0 && count == 0) return {first_row, rows};
  PST_ASSERT(each > 0 && count % each == 0, "whole rows of a tensor are held");
  PST_ASSERT(first_row >= 0 && first_row <= rows && count / each <= rows - first_row, "rows that the tensor has");
  return {first_row, first_row + count / each};
}

Division even_division(const std::vector<TensorSpec>& tensors, int ranks) {
  Division division;
  for (const auto& tensor : tensors) {
    const std::int64_t rows = rows_of(tensor.shape);
    const auto edge = [&](int r) {
      return rows / ranks * r + rows % ranks * r / ranks;
    };  // rows * r / ranks, no overflow
    auto& shares = division.emplace_back();
    for (int rank = 0; rank < ranks; ++rank) shares.push_back({edge(rank), edge(rank + 1)});
  }
  return division;
}

std::int64_t chunk_rows_of(std::int64_t rows, std::int64_t values_per_row) {
  const std::int64_t most = std::max<std::int64_t>(1, kChunkBytes / (4 * values_per_row));
  const std::int64_t chunks = (rows + most - 1) / most;
  return (rows + chunks - 1) / chunks;  // equal chunks: little padding in the last
}

std::optional<Dtype> stored_dtype(std::string_view word) {
  for (const Dtype dtype : {Dtype::f32, Dtype::u8})
    if (word == word_of(dtype)) return dtype;
  return std::nullopt;
}

const char* word_of(Dtype stored) { return stored == Dtype::u8 ? "U8" : "F32"; }

bool is_sane_shape(const std::vector<std::int64_t>& shape) {
  constexpr std::int64_t kMostValues = std::int64_t{1} << 44;
  if (shape.size() > 8) return false;
  std::int64_t values = 1;
  for (const auto size : shape) {
    if (size < 0 || size > kMostValues) return false;
    if (size > 0 && values > kMostValues / size) return false;
    values *= std::max<std::int64_t>(size, 1);  // a zero must not hide what the others multiply to
  }
  return true;
}

void check_tensors(const std::vector<TensorRef>& tensors) {
  std::set<std::string> names;
  for (const auto& tensor : tensors) {
    PST_ASSERT(is_name(tensor.name), cat("a stored tensor has a name HDF5 can have: ", quoted(tensor.name)));
    PST_ASSERT(names.insert(tensor.name).second, cat("names of stored tensors are unique: ", tensor.name));
    PST_ASSERT(is_sane_shape(tensor.shape),
               cat("shape of a stored tensor: ", tensor.name, weights::shape_text(tensor.shape)));
    doing(tensor.name, [&] { rows_held(tensor.shape, tensor.first_row, tensor.values.count); });
    PST_ASSERT(tensor.values.dtype == Dtype::f32 || tensor.values.dtype == Dtype::u8,
               cat("a stored tensor is f32 or u8: ", tensor.name));
    PST_ASSERT(4 * row_values(tensor.shape) <= kLargestRowBytes, cat("a row has at most 2 GiB: ", tensor.name));
  }
  // "a" beside "a/b" would have to be dataset and group at once.
  for (const auto& name : names)
    for (auto slash = name.find('/'); slash != name.npos; slash = name.find('/', slash + 1))
      PST_ASSERT(!names.contains(name.substr(0, slash)), cat("no tensor is another's folder: ", name));
}

}  // namespace pst::checkpoint
