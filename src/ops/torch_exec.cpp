// SPDX-License-Identifier: Apache-2.0
#include "ops/torch_exec.hpp"

#include <ATen/Parallel.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#if !defined(_OPENMP)
#error "compile the torch layers with OpenMP: at::parallel_for is a loop on one thread without it"
#endif

namespace pst::ops {

Exec cpu_exec() {
  Exec on;
  on.parallel_for = [](std::int64_t count, std::int64_t grain,
                       const std::function<void(std::int64_t, std::int64_t)>& body) {
    at::parallel_for(0, count, grain, body);
  };
  return on;
}

namespace {
const CudaTable* cuda_table = nullptr;  // of the process: kernels are code, like the program's own
}

void use_cuda(const CudaTable& table) { cuda_table = &table; }
const CudaTable* loaded_cuda() { return cuda_table; }

Exec exec_of(const at::Tensor& tensor) {
  if (!tensor.is_cuda()) return cpu_exec();
  PST_ASSERT(cuda_table != nullptr, "the module for GPUs is loaded before a tensor lies on one");
  Exec on;
  on.device = {DeviceKind::cuda, static_cast<int>(tensor.get_device())};
  on.cuda = cuda_table;
  // Through libtorch's own registry: the program links nothing of CUDA.
  on.stream = c10::impl::VirtualGuardImpl(c10::DeviceType::CUDA).getStream(tensor.device()).native_handle();
  return on;
}

void set_threads(int threads) {
  PST_ASSERT(threads >= 1, "a rank has at least one thread");
  at::set_num_threads(threads);
}

int threads() { return at::get_num_threads(); }

Dtype dtype_of(const at::Tensor& tensor) {
  switch (tensor.scalar_type()) {
    case at::kFloat: return Dtype::f32;
    case at::kBFloat16: return Dtype::bf16;
    case at::kHalf: return Dtype::f16;
    case at::kDouble: return Dtype::f64;
    case at::kLong: return Dtype::i64;
    case at::kInt: return Dtype::i32;
    case at::kChar: return Dtype::i8;
    case at::kByte: return Dtype::u8;
    default: throw Error(Fault::bug, "a tensor of a dtype that core has no name for");
  }
}

at::ScalarType scalar_type(Dtype dtype) {
  switch (dtype) {
    case Dtype::f32: return at::kFloat;
    case Dtype::bf16: return at::kBFloat16;
    case Dtype::f16: return at::kHalf;
    case Dtype::f64: return at::kDouble;
    case Dtype::i64: return at::kLong;
    case Dtype::i32: return at::kInt;
    case Dtype::i16: return at::kShort;
    case Dtype::i8: return at::kChar;
    case Dtype::u8: return at::kByte;
    case Dtype::boolean: return at::kBool;
  }
  throw Error(Fault::bug, "an unknown dtype");
}

View view_of(const at::Tensor& tensor) {
  PST_ASSERT(tensor.is_contiguous(), "kernels work on contiguous tensors");
  return {tensor.data_ptr(), tensor.numel(), dtype_of(tensor),
          tensor.is_cuda() ? Device{DeviceKind::cuda, static_cast<int>(tensor.get_device())} : Device{}};
}

at::Tensor tensor_over(void* data, const std::vector<std::int64_t>& shape, Dtype dtype) {
  return at::from_blob(data, shape, at::TensorOptions().dtype(scalar_type(dtype)));
}

}  // namespace pst::ops
