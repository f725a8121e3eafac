// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/exec.hpp"
#include "core/view.hpp"

namespace pst::kernels {

/// y = w * s / sqrt(mean(s^2) + eps) by rows, where s = x, or x + residual when there is one.
/// @param x         f32 or bf16 [rows, width]
/// @param residual  as x, or empty (data null)
/// @param weight    f32 [width]
/// @param sum       as x: receives s; not touched when residual is empty
/// @param y         as x
/// @param rstd      f32 [rows]: 1 / sqrt(...), for backward
/// @throws Error(bug) on a mismatch; outputs are then untouched
/// @see Zhang and Sennrich 2019, arXiv:1910.07467, equation 4
void rms_norm(const Exec& on, ConstView x, ConstView residual, ConstView weight, double eps, View sum, View y,
              View rstd);

/// Gradient with respect to s: dx = dsum + rstd * (w dy - s rstd^2 mean(w dy s)). The weight is frozen.
/// @param dsum  as x, or empty: what arrives at s by other ways
/// @param dx    as x; may be the memory of dsum or of dy
void rms_norm_backward(const Exec& on, ConstView dy, ConstView dsum, ConstView sum, ConstView weight, ConstView rstd,
                       View dx);

}  // namespace pst::kernels
