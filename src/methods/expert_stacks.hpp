// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "methods/targets.hpp"

// LoRA of parameters that hold the matrices of all experts: PEFT's `target_parameters`. The update of expert e is
// B_e A_e of rank r; one A [r * experts, in] has the rows of A_0, then of A_1, ..., and one B [out, r * experts] column
// k of B_e at k * experts + e.
// @see huggingface/peft src/peft/tuners/lora/layer.py, ParamWrapper
namespace pst::methods {

/// A parameter [experts, out, in] of transformers' model.
struct Stack {
  std::string module, parameter;  ///< model.layers.0.mlp.experts, gate_up_proj
  std::int64_t experts = 0, out = 0, in = 0;
  std::vector<std::size_t> layers;  ///< its rows: linear layers, by expert
  std::string adapter_module = {};  ///< that PEFT names its A and B after
  std::string name() const { return module + "." + parameter; }
};

/// All of a model, in its order.
std::vector<Stack> stacks_of(const std::vector<LinearLayer>& layers);

/// Those that the names mean by PEFT's rule: whole names, or their endings after a dot.
/// @throws Error(usage) when a name means none
std::vector<Stack> select_stacks(const std::vector<std::string>& names, const std::vector<LinearLayer>& layers);

/// Where element [i] of a part lies in A or B of a stack: the part's rows are rows first, first + step ... of it, and
/// its columns likewise.
struct StackPart {
  std::int64_t first_row = 0, row_step = 1, first_column = 0, column_step = 1;
};
StackPart part_of_a(const weights::StackPlace& place, std::int64_t rank);  ///< A_e [rank, in]
StackPart part_of_b(const weights::StackPlace& place);                     ///< rows of B_e [layer's out, rank]

}  // namespace pst::methods
