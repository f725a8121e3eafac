// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <span>
#include <vector>

#include "lowbit/codec.hpp"

namespace pst::lowbit {

constexpr std::int64_t kPieceValues = 1 << 16;  ///< read at a time: 256 KiB of f32

/// Reads rows [begin, end) of a matrix some at a time. @param body(row, rows, values)  the first row and how many
template <class Body>
void by_rows(const Matrix& matrix, std::int64_t begin, std::int64_t end, const Body& body) {
  const weights::Tensor& tensor = matrix.store.get(matrix.name);
  const std::int64_t at_once = std::max<std::int64_t>(1, kPieceValues / matrix.in);
  std::vector<float> values(static_cast<std::size_t>(at_once * matrix.in));
  for (std::int64_t row = begin; row < end; row += at_once) {
    const std::int64_t rows = std::min(at_once, end - row), first = row * matrix.in, count = rows * matrix.in;
    read_values(tensor, first, first + count, values.data());
    body(row, rows, std::span<const float>(values).first(static_cast<std::size_t>(count)));
  }
}

/// Reads values [begin, end) of a matrix some at a time. @param body(first, values)  where in the matrix they begin
template <class Body>
void by_values(const Matrix& matrix, std::int64_t begin, std::int64_t end, const Body& body) {
  const weights::Tensor& tensor = matrix.store.get(matrix.name);
  std::vector<float> values(static_cast<std::size_t>(kPieceValues));
  for (std::int64_t first = begin; first < end; first += kPieceValues) {
    const std::int64_t count = std::min(kPieceValues, end - first);
    read_values(tensor, first, first + count, values.data());
    body(first, std::span<const float>(values).first(static_cast<std::size_t>(count)));
  }
}

}  // namespace pst::lowbit
