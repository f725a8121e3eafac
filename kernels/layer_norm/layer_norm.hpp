// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/exec.hpp"
#include "core/view.hpp"

namespace pst::kernels {

/// y = w * (s - mean(s)) / sqrt(var(s) + eps) + b by rows, where s = x, or x + residual when there is one.
/// @param x           f32 or bf16 [rows, width]
/// @param residual    as x, or empty (data null)
/// @param weight      f32 [k, width]: row i takes weight i % k, so that heads side by side may have weights of their
/// own
/// @param bias        f32, as weight, or empty
/// @param sum         as x: receives s; not touched when residual is empty
/// @param y           as x
/// @param statistics  f32 [rows, 2]: mean and 1 / sqrt(...), for backward
/// @throws Error(bug) on a mismatch; outputs are then untouched
/// @see Ba et al. 2016, arXiv:1607.06450, equation 4
void layer_norm(const Exec& on, ConstView x, ConstView residual, ConstView weight, ConstView bias, std::int64_t width,
                double eps, View sum, View y, View statistics);

/// Gradient with respect to s; weight and bias are frozen. With z = (s - mean) rstd and g = w dy:
/// dx = dsum + rstd (g - mean(g) - z mean(g z)).
/// @param dsum  as x, or empty: what arrives at s by other ways
/// @param dx    as x; may be the memory of dsum or of dy
void layer_norm_backward(const Exec& on, ConstView dy, ConstView dsum, ConstView sum, ConstView weight,
                         std::int64_t width, ConstView statistics, View dx);

}  // namespace pst::kernels
