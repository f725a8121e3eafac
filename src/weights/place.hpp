// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>

#include "weights/safetensors.hpp"

namespace pst::weights {

/// Where a matrix [out, in] lies that is a part of a stored tensor, or lies in it the other way round: value (o, i) is
/// value first + o * out_step + i * in_step of the tensor.
struct Place {
  std::string tensor;
  std::int64_t first = 0, out_step = 0, in_step = 1;
  /// Of MXFP4: the tensor of exponents, U8, one for 32 values; `tensor` then has two codes in a byte, the lower first.
  /// Empty: plain numbers. @see OCP Microscaling Formats 1.0, section 5
  std::string exponents;
};

/// The rows of an expert's matrix in a parameter [experts, rows, in] that holds those of all experts in transformers'
/// memory, whatever the files have: an adapter of it is one for all. Row o is row first + o * step of the expert's.
struct StackPlace {
  std::string module, parameter;  ///< model.layers.0.mlp.experts, gate_up_proj
  std::int64_t experts = 0, rows = 0;
  std::int64_t expert = 0, first = 0, step = 1;
};

/// Reads values [begin, end) of the matrix, by rows, as f32. @throws Error(data) when they are no numbers, or lie
/// outside of the tensor
void read_placed(const TensorStore& store, const Place& place, std::int64_t in, std::int64_t begin, std::int64_t end,
                 float* into);

/// Value `index` of plain numbers as f32. @throws Error(bug) for a dtype that is none of F64, F32, F16, BF16
float value_at(const std::byte* values, Dtype dtype, std::size_t index);

}  // namespace pst::weights
