// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "ops/attention.hpp"

namespace pst::ops {

/// Undoes rotate(), in place: its gradient.
void turn_back(const at::Tensor& x, std::int64_t heads, const at::Tensor& rows, const RopeTable& table);

}  // namespace pst::ops
