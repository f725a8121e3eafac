// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/exec.hpp"
#include "core/view.hpp"
#include "kernels/detail/adamw_settings.hpp"

namespace pst::kernels {

/// One step of AdamW with decoupled weight decay over flat f32 arrays of one size; `gradient` is only read.
/// @throws Error(bug) on a mismatch
/// @see Loshchilov and Hutter 2019, arXiv:1711.05101, algorithm 2; as torch.optim.AdamW orders the operations
void adamw(const Exec& on, const AdamW& settings, View value, ConstView gradient, View moment1, View moment2);

}  // namespace pst::kernels
