// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <string>

#include "kernels/cuda/table.hpp"

namespace pst {

/// Where libpst_cuda.so is: $PST_CUDA_MODULE, or in lib/peft-studio of the prefix that the running program lies in.
std::filesystem::path cuda_module_path();

/// Opens the module; it stays open. @throws Error(usage) with the remedy when it is missing, cannot be opened, or is of
/// another build
const CudaTable& load_cuda_module(const std::filesystem::path& path);

/// Whether GPU `device` can be used. @throws Error(unfit): no driver, no such GPU, or one that the module has no code
/// for
CudaDevice require_cuda_device(const CudaTable& table, int device);

}  // namespace pst
