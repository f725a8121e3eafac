// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>

namespace pst::cuda {

/// The version of the cuDNN that this process has, as cudnnGetVersion() tells it; 0 where there is none.
std::size_t cudnn_version();

}  // namespace pst::cuda
