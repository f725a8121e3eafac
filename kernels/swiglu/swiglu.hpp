// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/exec.hpp"
#include "core/view.hpp"

namespace pst::kernels {

/// out = silu(gate) * up, silu(g) = g / (1 + e^-g). All f32 or all bf16, of one size.
/// @throws Error(bug) on a mismatch
/// @see Shazeer 2020, arXiv:2002.05202, equation 6
void swiglu(const Exec& on, ConstView gate, ConstView up, View out);

/// dgate and dup from dout; each may be the memory of any input of the same index.
void swiglu_backward(const Exec& on, ConstView dout, ConstView gate, ConstView up, View dgate, View dup);

}  // namespace pst::kernels
