// SPDX-License-Identifier: Apache-2.0
#include "ops/gemm_gpu.hpp"

#include <ATen/ops/empty.h>

#include <map>
#include <mutex>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "kernels/cuda/table.hpp"
#include "ops/torch_exec.hpp"

namespace pst::ops {
namespace {

constexpr std::int64_t kWorkspaceBytes = std::int64_t{32} << 20;  // what NVIDIA advises for Hopper

/// One for all products of a GPU: they are queued on one stream, so one after the other.
const at::Tensor& workspace(const at::Tensor& like) {
  static std::mutex mutex;
  static auto* const kept = new std::map<at::DeviceIndex, at::Tensor>;  // libtorch's allocator may end before statics
  const std::lock_guard lock(mutex);
  at::Tensor& memory = (*kept)[like.get_device()];
  if (!memory.defined())
    memory = at::empty({kWorkspaceBytes}, at::TensorOptions().dtype(at::kByte).device(like.device()));
  return memory;
}

bool by_rows(const at::Tensor& matrix) {
  return matrix.dim() == 2 && matrix.numel() > 0 && matrix.stride(1) == 1 && matrix.stride(0) >= matrix.size(1);
}
bool is_taken(const at::Tensor& matrix) {
  const at::ScalarType type = matrix.scalar_type();
  return matrix.is_cuda() && (type == at::kFloat || type == at::kBFloat16 || type == at::kByte) && by_rows(matrix);
}
const float* scales_of(const Factor& factor) {
  return factor.scales.defined() ? static_cast<const float*>(factor.scales.data_ptr()) : nullptr;
}

}  // namespace

bool multiply_on_gpu(const Factor& a, const Factor& b, const at::Tensor& out, double alpha, double beta) {
  if (!is_taken(a.matrix) || !is_taken(b.matrix) || !is_taken(out)) return false;
  if (a.matrix.scalar_type() != b.matrix.scalar_type()) return false;
  const Exec on = exec_of(out);
  if (on.cuda->matmul == nullptr) return false;
  const cuda::Product product{
      .m = out.size(0),
      .n = out.size(1),
      .k = a.matrix.size(a.transposed ? 0 : 1),
      .a = a.matrix.data_ptr(),
      .b = b.matrix.data_ptr(),
      .out = out.data_ptr(),
      .a_stride = a.matrix.stride(0),
      .b_stride = b.matrix.stride(0),
      .out_stride = out.stride(0),
      .a_transposed = a.transposed,
      .b_transposed = b.transposed,
      .in = dtype_of(a.matrix),
      .out_dtype = dtype_of(out),
      .alpha = static_cast<float>(alpha),
      .beta = static_cast<float>(beta),
      .a_scales = scales_of(a),
      .b_scales = scales_of(b),
  };
  PST_ASSERT(product.m == a.matrix.size(a.transposed ? 1 : 0) && product.n == b.matrix.size(b.transposed ? 0 : 1) &&
                 product.k == b.matrix.size(b.transposed ? 1 : 0),
             "the shapes of a product fit");
  int error = on.cuda->select(on.device.index);
  if (error == 0) error = on.cuda->matmul(on.stream, product, workspace(out).data_ptr(), kWorkspaceBytes);
  if (error == cuda::kNotHere) return false;
  if (error != 0)
    throw Error(Fault::unfit,
                cat("a product of ", product.m, " x ", product.k, " x ", product.n, " failed on GPU ", on.device.index,
                    ": ", on.cuda->error_text(error)),
                "`nvidia-smi` and the kernel's log (Xid) tell whether the GPU is at fault");
  return true;
}

}  // namespace pst::ops
