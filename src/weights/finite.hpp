// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>

#include "weights/safetensors.hpp"

namespace pst::weights {

/// Index of the first value that is infinite or not a number, or too large for F32, in which is computed. Nothing when
/// there is none, or when the dtype has no such values. Reads the whole tensor once.
std::optional<std::int64_t> first_not_finite(const Tensor& tensor);

}  // namespace pst::weights
