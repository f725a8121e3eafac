// SPDX-License-Identifier: Apache-2.0
#include "quant/fp8_product.hpp"

#include <ATen/ops/_scaled_mm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>

#include "kernels/cuda/table.hpp"
#include "kernels/fp8/fp8.hpp"
#include "ops/exec.hpp"
#include "ops/gemm_gpu.hpp"

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

/// The rows of x, times factors of their columns if there are any, as codes, and the scale of each.
struct Rows {
  at::Tensor codes, scale;
};
Rows quantised(const at::Tensor& x, const at::Tensor& factors) {
  Rows rows{at::empty(x.sizes(), x.options().dtype(at::kByte)), at::empty({x.size(0)}, x.options().dtype(at::kFloat))};
  kernels::fp8_quantise(ops::exec_of(x), ops::view_of(x.contiguous()),
                        factors.defined() ? ops::view_of(factors) : View{}, x.size(1), ops::view_of(rows.codes),
                        ops::view_of(rows.scale));
  return rows;
}

/// @param scale_o  of the rows of `codes_oi`; undefined: ones
at::Tensor product(const at::Tensor& x, const at::Tensor& factors, const at::Tensor& codes_oi,
                   const at::Tensor& scale_o) {
  const auto [x_codes, x_scale] = quantised(x, factors);
  const at::Tensor scale = scale_o.defined() ? scale_o : at::ones({codes_oi.size(0)}, x_scale.options());
  if (x.is_cuda()) {
    const at::Tensor out = at::empty({x.size(0), codes_oi.size(0)}, x.options());
    if (ops::multiply_on_gpu({x_codes, false, x_scale}, {codes_oi, true, scale}, out)) return out;
  }
  const at::Tensor x_fp8 = x_codes.view(at::kFloat8_e4m3fn), w_fp8 = codes_oi.view(at::kFloat8_e4m3fn).t();
  const at::Tensor rows = x_scale.view({-1, 1}), columns = scale.view({1, -1});
  if (x.is_cuda())
    return at::_scaled_mm(x_fp8, w_fp8, rows, columns, /*bias=*/{}, /*scale_result=*/{}, at::kBFloat16,
                          /*use_fast_accum=*/false);
  const at::Tensor one = at::ones({}, x_scale.options());
  const at::Tensor sums = at::_scaled_mm(x_fp8, w_fp8, one, one, {}, {}, at::kFloat, false);
  return sums.mul(rows).mul_(columns).to(x.scalar_type());
}

}  // namespace

bool multiplies_fp8(const at::Tensor& x_ni, std::int64_t out) {
  return x_ni.is_cuda() && x_ni.scalar_type() == at::kBFloat16 && x_ni.size(1) % kMultiple == 0 &&
         out % kMultiple == 0 && is_capable(x_ni);
}

at::Tensor fp8_product(const at::Tensor& x_ni, const at::Tensor& codes_oi, const at::Tensor& scale_o) {
  return product(x_ni, {}, codes_oi, scale_o);
}

at::Tensor fp8_product_transposed(const at::Tensor& dy_no, const at::Tensor& codes_io, const at::Tensor& scale_o) {
  return product(dy_no, scale_o, codes_io, {});
}

}  // namespace pst::quant
