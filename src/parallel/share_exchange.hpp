// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include "parallel/exchange_buffers.hpp"
#include "parallel/flat_shares.hpp"

// What ranks tell each other when each updates a share of a flat array: together as many bytes as ordered_all_reduce().
namespace pst::parallel {

/// Sums a gradient (f32, of the whole array on every rank) over the group along the tree of ordered_all_reduce(): each
/// rank its own share, with the same bits. The rest stays this rank's own part of the sums. Collective.
/// @param hosts  the same ranks, on host memory
/// @return the sum of squares of all sums, with the bits that kernels::sum_of_squares() has for them
double sum_into_shares(const at::Tensor& inout, const FlatShares& shares, ExchangeBuffers& buffers,
                       comm::Communicator& hosts);

/// Makes a flat array (f32 or bf16) the same on all ranks when each has brought its own share up to date: every share
/// becomes what its rank has. Collective.
void gather_shares(const at::Tensor& inout, const FlatShares& shares, ExchangeBuffers& buffers);

}  // namespace pst::parallel
