// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

namespace pst::kernels {

/// Whether dy^T x [out, in] in f32 goes to oneDNN on a CPU. It is at its worst with a handful of rows out (adapters of
/// rank 16): there the plain path is faster.
constexpr bool onednn_multiplies_tn(std::int64_t out, std::int64_t in) { return out >= 16 && in >= 64; }

/// Products of different sizes whose kernels oneDNN keeps, made just in time (app::limit_kept_kernels()); the least
/// recently used leave first. A micro batch meets 30 to 50; with experts a few hundred.
constexpr std::int64_t kOnednnKernels = 256;

/// Rows that a product takes in the place of `rows` where their number differs all the time, as that of an expert does:
/// at most an eighth more, or 15, so that few kernels serve all.
constexpr std::int64_t rounded_rows(std::int64_t rows) {
  std::int64_t unit = 16;
  while (16 * unit <= rows) unit *= 2;
  return (rows + unit - 1) / unit * unit;
}

}  // namespace pst::kernels
