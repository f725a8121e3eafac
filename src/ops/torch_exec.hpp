// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include "core/exec.hpp"

namespace pst::ops {

/// The calling process's CPU threads, as libtorch shares them: the one pool of a rank.
Exec cpu_exec();
/// Where a tensor's values are worked on: cpu_exec(), or its GPU on the stream that libtorch uses there at the moment.
/// @throws Error(bug) for a GPU before use_cuda()
Exec exec_of(const at::Tensor& tensor);
/// Hands over the functions of the loaded module: once, before the first tensor on a GPU. The table stays.
void use_cuda(const CudaTable& table);
/// What was handed over, for ranges of a timeline; null on a CPU.
const CudaTable* loaded_cuda();
/// How many CPU threads there are. Set once, before the first operation. @param threads at least 1
void set_threads(int threads);
int threads();

/// Looks at a contiguous tensor, on whichever device. @throws Error(bug) when it is not contiguous or of a dtype core
/// does not name
View view_of(const at::Tensor& tensor);
Dtype dtype_of(const at::Tensor& tensor);
/// A tensor over memory that somebody else owns and keeps alive.
at::Tensor tensor_over(void* data, const std::vector<std::int64_t>& shape, Dtype dtype);
at::ScalarType scalar_type(Dtype dtype);

}  // namespace pst::ops
