// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <cstdint>

#include "core/view.hpp"

namespace pst::kernels {

/// Rows whose logits exist at once: about 24 MiB of them on a CPU and 256 on a GPU, large enough for full GEMM speed,
/// small enough to stay out of the way. On a GPU in whole tiles of a product.
constexpr std::int64_t chunk_rows(std::int64_t vocabulary, std::int64_t value_bytes, DeviceKind device) {
  constexpr std::int64_t kTile = 128;
  const bool on_gpu = device == DeviceKind::cuda;
  const std::int64_t bytes = (on_gpu ? 256 : 24) * std::int64_t{1 << 20}, most = on_gpu ? 8192 : 1024;
  const std::int64_t rows = std::clamp<std::int64_t>(bytes / (vocabulary * value_bytes), 16, most);
  return on_gpu && rows > kTile ? rows / kTile * kTile : rows;
}

}  // namespace pst::kernels
