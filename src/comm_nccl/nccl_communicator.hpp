// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>

#include "comm/communicator.hpp"
#include "comm_nccl/cuda_api.hpp"
#include "comm_nccl/nccl_api.hpp"
#include "comm_nccl/nccl_watch.hpp"

namespace pst::comm {

/// The ranks of `host`, each with the GPU `device` of its node, as a group whose buffers are GPU memory. Collective
/// over `host`, by which the ranks find one another and which stays the group for host memory: together(),
/// broadcast_text().
///
/// Operations are queued on options.stream(), so they come after the kernels that made their input. Blocking ones
/// return when the GPU is through; all_gather_begin() goes on beside the kernels, and its wait() makes the stream wait,
/// not the thread. An operation that cannot end - a peer dead, a link cut, a rank that never came - ends with
/// Error(transient), on every survivor, naming who is to blame as far as that is known.
/// @throws Error(unfit) when ranks have different versions of NCCL, or one that is too old
std::unique_ptr<Communicator> nccl_communicator(Communicator& host, NcclApi nccl, CudaApi cuda, int device,
                                                NcclOptions options = {});

}  // namespace pst::comm
