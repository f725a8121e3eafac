// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "kernels/cuda/table.hpp"

namespace pst::fixture {

/// What libpst_cuda.so offers, from the same kernel sources, compiled for the emulated GPU (cuda_emulated.hpp): its
/// memory is the host's.
const CudaTable& emulated_cuda_table();

}  // namespace pst::fixture
