// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

#include "core/exec.hpp"
#include "core/view.hpp"

namespace pst::kernels {

struct Adafactor {
  double lr = 0, decay_rate = -0.8, eps = 1e-30, clip_threshold = 1, weight_decay = 0;
  double least_scale = 0;      ///< above 0: lr is relative to the root mean square of the values, or to this
  std::int64_t step = 1;       ///< counts from 1
  double gradient_factor = 1;  ///< multiplies every gradient first: clipping
};

/// A tensor seen as `matrices` of rows x columns, one after the other; a vector is one of 0 rows.
struct MatrixShape {
  std::int64_t matrices = 1, rows = 0, columns = 0;
  std::int64_t row_means() const { return rows > 0 ? matrices * rows : 0; }
  std::int64_t column_means() const { return matrices * columns; }
};

/// f32 values of the memory that adafactor() works in.
std::int64_t adafactor_scratch(const MatrixShape& shape);

/// One step of Adafactor over one tensor, f32; `gradient` is only read. With beta2 = 1 - step^decay_rate,
/// g = gradient_factor * gradient and s = g^2 + eps, means go along:
///
///     row     = beta2 * row + (1 - beta2) * mean over a row of s;  column likewise
///     update  = g * (row / mean of row)^-1/2 * column^-1/2         (of a vector: column alone, of s itself)
///     update /= max(1, rms(update) / clip_threshold)
///     value   = (1 - lr * weight_decay) * value - lr * update
///
/// @param row     [shape.row_means()], column [shape.column_means()]; zeros before the first step
/// @param scratch [adafactor_scratch(shape)], what is in it is not said
/// @throws Error(bug) on a mismatch
/// @see Shazeer and Stern 2018, arXiv:1804.04235, algorithm 4; as transformers.Adafactor without beta1
void adafactor(const Exec& on, const Adafactor& settings, const MatrixShape& shape, View value, ConstView gradient,
               View row, View column, View scratch);

}  // namespace pst::kernels
