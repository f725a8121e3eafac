// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include "parallel/exchange_buffers.hpp"
#include "parallel/flat_shares.hpp"

namespace pst::parallel {

/// Makes a flat array (f32) the same on all ranks when each has brought its own share up to date: every share becomes
/// what its rank has. Collective.
void gather_shares(const at::Tensor& inout, const FlatShares& shares, ExchangeBuffers& buffers);

}  // namespace pst::parallel
