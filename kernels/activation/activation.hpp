// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/exec.hpp"
#include "core/view.hpp"

namespace pst::kernels {

/// What an MLP does between its products; formulas.hpp has each one's formula.
enum class Act {
  silu,
  gelu_tanh,  ///< gelu by its approximation with tanh: gelu_new, gelu_pytorch_tanh
  gelu,       ///< by the error function
  relu,
  relu2,   ///< relu squared
  clamped  ///< gated only: (up + 1) gate sigmoid(1.702 gate) of both cut at a limit, as gpt-oss has it
};
inline constexpr int kActs = 6;

/// out = act(gate) * up. All f32 or all bf16, of one size.
/// @param limit  of Act::clamped: gate is at most this, up lies between this and its negative
/// @throws Error(bug) on a mismatch
/// @see Shazeer 2020, arXiv:2002.05202, equation 6
void gated(const Exec& on, Act act, ConstView gate, ConstView up, View out, double limit = 7);

/// dgate and dup from dout; each may be the memory of any input of the same index.
void gated_backward(const Exec& on, Act act, ConstView dout, ConstView gate, ConstView up, View dgate, View dup,
                    double limit = 7);

/// out = act(x), for MLPs without a gate; not for Act::clamped. @throws Error(bug) on a mismatch
void activate(const Exec& on, Act act, ConstView x, View out);

/// dx from dout; it may be the memory of either.
void activate_backward(const Exec& on, Act act, ConstView dout, ConstView x, View dx);

}  // namespace pst::kernels
