#pragma once
#include <ATen/core/Tensor.h>

#include "core/exec.hpp"

namespace pst::ops {

/// The calling process's CPU threads, as libtorch shares them: the one pool of a rank.
Exec cpu_exec();
/// How many of them there are. Set once, before the first operation. @param threads at least 1
void set_threads(int threads);
int threads();

/// Looks at a contiguous CPU tensor. @throws Error(bug) when it is not contiguous or of a dtype core does not name
View view_of(const at::Tensor& tensor);
Dtype dtype_of(const at::Tensor& tensor);
/// A tensor over memory that somebody else owns and keeps alive.
at::Tensor tensor_over(void* data, const std::vector<std::int64_t>& shape, Dtype dtype);
at::ScalarType scalar_type(Dtype dtype);

}  // namespace pst::ops
