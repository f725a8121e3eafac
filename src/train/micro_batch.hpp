// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "comm/communicator.hpp"
#include "data/order.hpp"
#include "data/prepared.hpp"
#include "nn/batch.hpp"

namespace pst::train {

/// Rows [leaf * size, (leaf + 1) * size) of a step as one stream of documents on `device`; nothing where there is no
/// such row.
std::optional<nn::Batch> micro_batch(const data::PreparedSet& documents, const std::vector<data::Row>& rows,
                                     std::int64_t leaf, std::int64_t size, std::int64_t vocabulary, at::Device device);

/// One token that teaches nothing. Where a pass is collective, a rank without a micro batch of its own takes part with
/// it.
nn::Batch placeholder_batch(std::int64_t vocabulary, at::Device device);

/// Adds one value per micro batch over all ranks, in the order of the micro batches: the same bits for any number of
/// ranks.
/// @param values  of every micro batch of the step; a rank fills its own, the others' are 0
double sum_over_ranks(comm::Communicator& group, const std::vector<double>& values);

}  // namespace pst::train
