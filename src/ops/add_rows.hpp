// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

namespace pst::ops {

/// Adds each row to the one of `sum` that its id names; ids may come more than once. The order of the additions is the
/// same every time, on GPUs too. @param sum  f32 [v, d], any strides;  ids: i64 [n];  rows: f32 [n, d]
void add_rows(const at::Tensor& sum_vd, const at::Tensor& ids_n, const at::Tensor& rows_nd);

}  // namespace pst::ops
