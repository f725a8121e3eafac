// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>

#include "core/view.hpp"

namespace pst::weights {

/// Writes `value` as the value `index` of plain numbers, rounded once, to the nearest and to even between two.
/// @throws Error(bug) for a dtype that is none of F64, F32, F16, BF16
void set_value(std::byte* values, Dtype dtype, std::size_t index, float value);

/// The nearest number in IEEE half precision; infinite beyond 65504.
std::uint16_t float_to_half(float value);

}  // namespace pst::weights
