// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace pst::ops {

/// Takes apart what one matrix made of several: rows of x are `groups` runs of parts side by side, part i `widths[i]`
/// wide, and output i is those of all groups. Differentiable.
/// @param x  [n, groups * sum of widths]
/// @return   [n, groups * widths[i]] each, contiguous
std::vector<at::Tensor> split_columns(const at::Tensor& x, std::int64_t groups,
                                      const std::vector<std::int64_t>& widths);

}  // namespace pst::ops
