// SPDX-License-Identifier: Apache-2.0
#include "quant/fp8_product.hpp"

#include <ATen/ops/_scaled_mm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>

#include "kernels/cuda/table.hpp"
#include "kernels/fp8/fp8.hpp"
#include "ops/gemm_gpu.hpp"
#include "ops/torch_exec.hpp"

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

/// @param scale_o  of the rows of `codes_oi`; undefined: ones
at::Tensor product(const Fp8Rows& x, const at::Tensor& codes_oi, const at::Tensor& scale_o, at::Tensor sum) {
  const at::Tensor scale = scale_o.defined() ? scale_o : at::ones({codes_oi.size(0)}, x.scale.options());
  if (x.codes.is_cuda()) {
    const at::Tensor out =
        sum.defined() ? sum : at::empty({x.codes.size(0), codes_oi.size(0)}, x.codes.options().dtype(x.dtype));
    if (ops::multiply_on_gpu({x.codes, false, x.scale}, {codes_oi, true, scale}, out, 1, sum.defined() ? 1 : 0))
      return out;
  }
  const at::Tensor x_fp8 = x.codes.view(at::kFloat8_e4m3fn), w_fp8 = codes_oi.view(at::kFloat8_e4m3fn).t();
  const at::Tensor rows = x.scale.view({-1, 1}), columns = scale.view({1, -1});
  at::Tensor out;
  if (x.codes.is_cuda()) {
    out = at::_scaled_mm(x_fp8, w_fp8, rows, columns, /*bias=*/{}, /*scale_result=*/{}, at::kBFloat16,
                         /*use_fast_accum=*/false);
  } else {
    const at::Tensor one = at::ones({}, x.scale.options());
    const at::Tensor sums = at::_scaled_mm(x_fp8, w_fp8, one, one, {}, {}, at::kFloat, false);
    out = sums.mul(rows).mul_(columns).to(x.dtype);
  }
  return sum.defined() ? sum.add_(out) : out;
}

}  // namespace

bool multiplies_fp8(const at::Tensor& x_ni, std::int64_t out) {
  return x_ni.is_cuda() && x_ni.scalar_type() == at::kBFloat16 && x_ni.size(1) % kMultiple == 0 &&
         out % kMultiple == 0 && is_capable(x_ni);
}

Fp8Rows fp8_rows(const at::Tensor& x, const at::Tensor& factors) {
  Fp8Rows rows{at::empty(x.sizes(), x.options().dtype(at::kByte)),
               at::empty({x.size(0)}, x.options().dtype(at::kFloat)), x.scalar_type()};
  kernels::fp8_quantise(ops::exec_of(x), ops::view_of(x.contiguous()),
                        factors.defined() ? ops::view_of(factors) : View{}, x.size(1), ops::view_of(rows.codes),
                        ops::view_of(rows.scale));
  return rows;
}

at::Tensor fp8_product(const Fp8Rows& x_ni, const at::Tensor& codes_oi, const at::Tensor& scale_o, at::Tensor sum_no) {
  return product(x_ni, codes_oi, scale_o, std::move(sum_no));
}

at::Tensor fp8_product_transposed(const at::Tensor& dy_no, const at::Tensor& codes_io, const at::Tensor& scale_o,
                                  at::Tensor sum_ni) {
  return product(fp8_rows(dy_no, scale_o), codes_io, {}, std::move(sum_ni));
}

}  // namespace pst::quant
