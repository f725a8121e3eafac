// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

namespace pst::kernels {

// The documents that cuDNN's attention takes, where the GPU and the library have it (attention_cudnn.cpp), and what its
// backward pass works in: a bf16 number for each query head and pair of rows.

/// A plan of cuDNN's is good for one number of rows, so that is rounded up.
constexpr std::int64_t cudnn_rows(std::int64_t rows) { return rows <= 512 ? 512 : (rows + 1023) / 1024 * 1024; }

constexpr std::int64_t cudnn_scores_bytes(std::int64_t rows, std::int64_t query_heads) {
  return 2 * query_heads * cudnn_rows(rows) * cudnn_rows(rows);
}

/// The frontend lets widths that are no multiple of 16 through and says that the backward pass has a known fault there.
constexpr bool cudnn_takes(std::int64_t rows, std::int64_t query_heads, std::int64_t key_value_heads,
                           std::int64_t dim) {
  constexpr std::int64_t kMostBytes = std::int64_t{4} << 30;  // of those numbers
  return rows >= 512 && query_heads >= 1 && key_value_heads >= 1 && query_heads % key_value_heads == 0 && dim >= 16 &&
         dim <= 128 && dim % 16 == 0 && query_heads <= kMostBytes / 2 / cudnn_rows(rows) / cudnn_rows(rows);
}

}  // namespace pst::kernels
