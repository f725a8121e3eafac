// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "kernels/cuda/operations.hpp"

namespace pst::cuda {

/// Where the rows of a document lie, as cuDNN wants to be told in GPU memory, and counted in values of each array.
/// Every array of numbers begins at a multiple of 16 bytes.
struct CudnnLayout {
  alignas(16) std::int32_t length = 0;
  alignas(16) std::int32_t query_borders[2] = {};  ///< of arrays with a row of all query heads: 0, behind the last row
  alignas(16) std::int32_t key_borders[2] = {};    ///< of those with a row of all key/value heads
  alignas(16) std::int32_t sum_borders[2] = {};    ///< of those with one number for a query head
};

/// Writes `shape`'s layout in the order of the stream: the numbers travel in the launch, so nobody waits for a copy.
int write_layout(Stream stream, const OneDocument& shape, CudnnLayout* layout);

}  // namespace pst::cuda
