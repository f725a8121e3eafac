// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>

#include "comm/communicator.hpp"
#include "nn/frozen_storage.hpp"

namespace pst::parallel {

/// Every rank of `group` keeps 1/size of each block and reads little more of the model's files than that. Entering a
/// block gathers it into one of three buffers: layers take two by turns, so that the next one arrives while one is
/// being used; the embedding and the head share the third. Nothing is ever sent back, since nothing changes. Quantised
/// matrices travel as they are kept.
/// The bytes are those of replicated_storage(), so results are the same bits too. Collective; the groups are used by
/// nobody else and outlive the storage.
/// @param group  of the ranks' hosts
/// @param links  the same ranks: over which weights travel, and on whose device they lie; nullptr: over `group`
/// @throws Error(data) on every rank when one cannot pack its share
/// @see Rajbhandari et al. 2020, arXiv:1910.02054, section 5.3 (parameters in shares), without its reduction
std::unique_ptr<nn::FrozenStorage> sharded_storage(const nn::FrozenLayout& layout, comm::Communicator& group,
                                                   comm::Communicator* links = nullptr);

}  // namespace pst::parallel
