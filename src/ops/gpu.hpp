// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include <string>

#include "kernels/cuda/table.hpp"

namespace pst::ops {

struct Gpu {
  at::Device device;
  CudaDevice facts;
};

/// Whether open_gpu() would find what it needs, as far as can be told without loading libtorch's CUDA part, which a
/// process that then computes on the CPU is to do without. @throws as open_gpu() does
CudaDevice look_for_gpu(int wanted);

/// Makes a GPU usable for tensors and kernels of this process: opens libpst_cuda.so and libtorch_cuda.so, which the
/// program does not link, looks whether they can work with the GPU, and asks libtorch for algorithms whose bits repeat.
/// Before the first tensor on any device that libtorch asks its CUDA part about, so as early as may be.
/// @param wanted  the rank's number on its node; a process to which the driver shows one GPU takes that one
/// @throws Error(usage) when there is no module, or a libtorch without CUDA: no node would do. Error(unfit): no driver,
/// no such GPU, or one without code. Each with its remedy
Gpu open_gpu(int wanted);

}  // namespace pst::ops
