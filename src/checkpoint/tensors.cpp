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

Rows share_of(std::int64_t rows, int rank, int ranks) {
  const auto edge = [&](int r) {
    return rows / ranks * r + rows % ranks * r / ranks;
  };  // rows * r / ranks, no overflow
  return {edge(rank), edge(rank + 1)};
}

std::int64_t chunk_rows_of(std::int64_t rows, std::int64_t values_per_row) {
  const std::int64_t most = std::max<std::int64_t>(1, kChunkBytes / (4 * values_per_row));
  const std::int64_t chunks = (rows + most - 1) / most;
  return (rows + chunks - 1) / chunks;  // equal chunks: little padding in the last
}

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
    const std::int64_t values = rows_of(tensor.shape) * row_values(tensor.shape);
    PST_ASSERT(values == static_cast<std::int64_t>(tensor.values.size()),
               cat("a tensor has as many values as its shape says: ", tensor.name));
    PST_ASSERT(4 * row_values(tensor.shape) <= kLargestRowBytes, cat("a row has at most 2 GiB: ", tensor.name));
  }
  // "a" beside "a/b" would have to be dataset and group at once.
  for (const auto& name : names)
    for (auto slash = name.find('/'); slash != name.npos; slash = name.find('/', slash + 1))
      PST_ASSERT(!names.contains(name.substr(0, slash)), cat("no tensor is another's folder: ", name));
}

}  // namespace pst::checkpoint
