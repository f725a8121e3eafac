// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "weights/safetensors.hpp"

namespace pst::weights {

/// The tensors of a matrix in 8-bit floats with a scale per row, as compressed-tensors ("float-quantized") and FBGEMM
/// store it: value = code * scale. Shapes checked; values are not.
struct StoredFp8 {
  const Tensor* codes = nullptr;  ///< F8_E4M3 [out, in]: `weight`
  const Tensor* scale = nullptr;  ///< floating, a value per row, or one for all: `weight_scale`
};

/// The parts of matrix `name` ("model.layers.0.mlp.up_proj.weight"), or nothing when it is stored as numbers.
/// @throws Error(data) naming the tensor for a part that is missing or has another dtype or shape; scales per block
std::optional<StoredFp8> find_fp8(const TensorStore& store, const std::string& name, std::int64_t out, std::int64_t in);

}  // namespace pst::weights
