// SPDX-License-Identifier: Apache-2.0
#include "quant/fp8_product.hpp"

#include <ATen/ops/_scaled_mm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>

#include "kernels/cuda/table.hpp"
#include "kernels/fp8/fp8.hpp"
#include "ops/exec.hpp"

namespace pst::quant {
namespace {

constexpr std::int64_t kMultiple = 16;

bool is_capable(const at::Tensor& on_gpu) {
  static const bool capable = [&] {  // a rank works on one GPU
    CudaDevice device;
    const CudaTable* const cuda = ops::loaded_cuda();
    return cuda != nullptr && cuda->describe(on_gpu.get_device(), &device) == 0 &&
           (device.major > 8 || (device.major == 8 && device.minor >= 9));
  }();
  return capable;
}

}  // namespace

bool multiplies_fp8(const at::Tensor& x_ni, std::int64_t out) {
  return x_ni.is_cuda() && x_ni.scalar_type() == at::kBFloat16 && x_ni.size(1) % kMultiple == 0 &&
         out % kMultiple == 0 && is_capable(x_ni);
}

at::Tensor fp8_product(const at::Tensor& x_ni, const at::Tensor& codes_oi, const at::Tensor& scale_o) {
  const std::int64_t n = x_ni.size(0), in = x_ni.size(1);
  const at::Tensor x_codes = at::empty({n, in}, x_ni.options().dtype(at::kByte));
  const at::Tensor x_scale = at::empty({n, 1}, x_ni.options().dtype(at::kFloat));
  kernels::fp8_quantise(ops::exec_of(x_ni), ops::view_of(x_ni.contiguous()), in, ops::view_of(x_codes),
                        ops::view_of(x_scale));
  const at::Tensor x = x_codes.view(at::kFloat8_e4m3fn), w_io = codes_oi.view(at::kFloat8_e4m3fn).t();
  const at::Tensor w_scale = scale_o.view({1, -1});
  if (x_ni.is_cuda())
    return at::_scaled_mm(x, w_io, x_scale, w_scale, /*bias=*/{}, /*scale_result=*/{}, at::kBFloat16,
                          /*use_fast_accum=*/false);
  const at::Tensor one = at::ones({}, scale_o.options());
  const at::Tensor sums = at::_scaled_mm(x, w_io, one, one, {}, {}, at::kFloat, false);
  return sums.mul(x_scale).mul_(w_scale).to(x_ni.scalar_type());
}

}  // namespace pst::quant
