// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "weights/safetensors.hpp"

namespace pst::weights {

/// The tensors of an NF4 matrix in bitsandbytes' layout, shapes checked; their values are not.
struct StoredNf4 {
  const Tensor* codes = nullptr;   ///< U8, (n + 1) / 2 values: `weight`
  const Tensor* absmax = nullptr;  ///< F32 [blocks], or U8 [blocks] when quantised too: `weight.absmax`
  const Tensor* levels = nullptr;  ///< F32 [16]: `weight.quant_map`
  const Tensor* nested_scale =
      nullptr;                         ///< F32 [blocks / 256]: `weight.nested_absmax`; null without double quantisation
  const Tensor* nested_map = nullptr;  ///< F32 [256]: `weight.nested_quant_map`
  float nested_offset = 0;
  std::int64_t block = 64;
};

struct StoredInt8 {
  const Tensor* codes = nullptr;   ///< I8 [out, in]: `weight`
  const Tensor* absmax = nullptr;  ///< F32 [out]: `SCB`
};

/// The parts of matrix `name` ("model.layers.0.mlp.up_proj.weight"), or nothing when it is stored as numbers.
/// @throws Error(data) naming the tensor for a part that is missing or has another dtype or shape, a quant_state that
/// is
///         no JSON of this matrix, FP4, a block that is not 64
std::optional<StoredNf4> find_nf4(const TensorStore& store, const std::string& name, std::int64_t out, std::int64_t in);
std::optional<StoredInt8> find_int8(const TensorStore& store, const std::string& name, std::int64_t out,
                                    std::int64_t in);

/// The text of `weight.quant_state.bitsandbytes__nf4`.
/// @param dtype   of the values that were quantised: "float32", "bfloat16", "float16"
/// @param offset  of double quantisation, or nothing
std::string nf4_state_json(const std::string& dtype, std::int64_t out, std::int64_t in, std::optional<float> offset);

/// Suffix of a matrix's name for the tensor with its quant_state.
inline constexpr const char* kNf4State = ".quant_state.bitsandbytes__nf4";

}  // namespace pst::weights
