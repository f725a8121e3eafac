// SPDX-License-Identifier: Apache-2.0
#include "ops/gemm.hpp"

#include <ATen/core/List.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mm.h>

#include <string_view>

#include "core/error.hpp"
#include "kernels/matmul/onednn.hpp"
#include "kernels/row_product/row_product.hpp"
#include "ops/gemm_gpu.hpp"
#include "ops/row_by_row.hpp"
#include "ops/torch_exec.hpp"
#include "ops/wide.hpp"

// f32 goes to oneDNN's just-in-time kernels, which at::linear does not use: MKL, its choice, reaches 40 % of the FMA
// peak on AMD's AVX-512 cores where oneDNN reaches 90 % (tools/bench), and both do about 90 % on Intel's. One fixed
// choice, no measurement at start, so that every rank and every restart computes the same bits. bf16: at::linear is
// oneDNN already. On a GPU it is multiply_on_gpu(), and at::linear and its kin, which are cuBLAS, for what that leaves.
namespace pst::ops {
namespace {

using OptionalName = std::optional<std::string_view>;
using Scalars = c10::List<std::optional<at::Scalar>>;
using Linear = at::Tensor(const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&, std::string_view,
                          Scalars, OptionalName);
using LinearPlus = at::Tensor(const at::Tensor&, const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&,
                              std::string_view);

const c10::TypedOperatorHandle<Linear>& onednn_linear() {
  static const auto handle =
      c10::Dispatcher::singleton().findSchemaOrThrow("mkldnn::_linear_pointwise", "").typed<Linear>();
  return handle;
}
const c10::TypedOperatorHandle<LinearPlus>& onednn_linear_plus() {
  static const auto handle =
      c10::Dispatcher::singleton().findSchemaOrThrow("mkldnn::_linear_pointwise", "binary").typed<LinearPlus>();
  return handle;
}

bool by_onednn(const at::Tensor& tensor) { return tensor.is_cpu() && tensor.scalar_type() == at::kFloat; }

at::Tensor f32_nt(const at::Tensor& x, const at::Tensor& w, const std::optional<at::Tensor>& bias) {
  return onednn_linear().call(x, w, bias, "none", Scalars(), OptionalName(""));
}

/// A new alpha * a b on a GPU; undefined where that is not to be had.
at::Tensor on_gpu(const Factor& a, const Factor& b, std::int64_t rows, std::int64_t columns, double alpha = 1,
                  at::ScalarType type = at::kBFloat16) {
  if (!a.matrix.is_cuda()) return {};
  const at::ScalarType out_type = a.matrix.scalar_type() == at::kFloat ? at::kFloat : type;
  at::Tensor out = at::empty({rows, columns}, a.matrix.options().dtype(out_type).requires_grad(false));
  return multiply_on_gpu(a, b, out, alpha) ? out : at::Tensor();
}

at::Tensor by_rows(const at::Tensor& x_ni, const at::Tensor& w_oi, const std::optional<at::Tensor>& bias_o) {
  const at::Tensor x = x_ni.contiguous(), w = w_oi.contiguous(), bias = bias_o ? bias_o->contiguous() : at::Tensor();
  const at::Tensor y_no = at::empty({x.size(0), w.size(0)}, x.options().requires_grad(false));
  kernels::row_product(exec_of(x), view_of(x), view_of(w), bias_o ? ConstView(view_of(bias)) : ConstView(), x.size(1),
                       view_of(y_no));
  return y_no;
}

bool is_by_rows(const at::Tensor& x) {
  return RowByRow::is_on() && x.is_cpu() && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16);
}

}  // namespace

at::Tensor matmul_nt(const at::Tensor& x_ni, const at::Tensor& w_oi, const std::optional<at::Tensor>& bias_o) {
  if (is_by_rows(x_ni)) return by_rows(x_ni, w_oi, bias_o);
  if (by_onednn(x_ni)) return f32_nt(x_ni, w_oi, bias_o);
  if (at::Tensor y_no = on_gpu({x_ni}, {w_oi, true}, x_ni.size(0), w_oi.size(0)); y_no.defined())
    return bias_o ? y_no.add_(*bias_o) : y_no;
  return at::linear(x_ni, w_oi, bias_o);
}

at::Tensor add_matmul_nt(at::Tensor sum_no, const at::Tensor& x_ni, const at::Tensor& w_oi,
                         const std::optional<at::Tensor>& bias_o) {
  if (is_by_rows(x_ni)) return sum_no.add_(by_rows(x_ni, w_oi, bias_o));
  if (by_onednn(x_ni)) return onednn_linear_plus().call(x_ni, sum_no, w_oi, bias_o, "add");
  if (bias_o) sum_no.add_(*bias_o);
  if (sum_no.is_cuda() && multiply_on_gpu({x_ni}, {w_oi, true}, sum_no, 1, 1)) return sum_no;
  return sum_no.addmm_(x_ni, w_oi.t());
}

at::Tensor matmul_nn(const at::Tensor& dy_no, const at::Tensor& w_oi) {
  if (is_by_rows(dy_no)) return by_rows(dy_no, w_oi.t(), {});
  if (by_onednn(dy_no)) return f32_nt(dy_no, w_oi.t(), {});
  if (at::Tensor dx_ni = on_gpu({dy_no}, {w_oi}, dy_no.size(0), w_oi.size(1)); dx_ni.defined()) return dx_ni;
  return at::mm(dy_no, w_oi);
}

at::Tensor add_matmul_nn(at::Tensor sum_ni, const at::Tensor& dy_no, const at::Tensor& w_oi) {
  if (by_onednn(dy_no)) return onednn_linear_plus().call(dy_no, sum_ni, w_oi.t(), std::nullopt, "add");
  if (sum_ni.is_cuda() && multiply_on_gpu({dy_no}, {w_oi}, sum_ni, 1, 1)) return sum_ni;
  return sum_ni.addmm_(dy_no, w_oi);
}

at::Tensor matmul_tn(const at::Tensor& dy_no, const at::Tensor& x_ni) {
  if (by_onednn(dy_no) && kernels::onednn_multiplies_tn(dy_no.size(1), x_ni.size(1)))
    return f32_nt(dy_no.t(), x_ni.t(), {});
  if (at::Tensor dw_oi = on_gpu({dy_no, true}, {x_ni}, dy_no.size(1), x_ni.size(1)); dw_oi.defined()) return dw_oi;
  return at::mm(dy_no.t(), x_ni);
}

at::Tensor scaled_matmul_nt(const at::Tensor& x_ni, const at::Tensor& w_oi, double factor) {
  if (at::Tensor y_no = on_gpu({x_ni}, {w_oi, true}, x_ni.size(0), w_oi.size(0), factor); y_no.defined()) return y_no;
  return matmul_nt(x_ni, w_oi).mul_(factor);
}

at::Tensor scaled_matmul_nn(const at::Tensor& dy_no, const at::Tensor& w_oi, double factor) {
  if (at::Tensor dx_ni = on_gpu({dy_no}, {w_oi}, dy_no.size(0), w_oi.size(1), factor); dx_ni.defined()) return dx_ni;
  return matmul_nn(dy_no, w_oi).mul_(factor);
}

void scaled_matmul_nn_into(const at::Tensor& into_ni, const at::Tensor& dy_no, const at::Tensor& w_oi, double factor) {
  if (into_ni.is_cuda() && multiply_on_gpu({dy_no}, {w_oi}, into_ni, factor)) return;
  into_ni.copy_(scaled_matmul_nn(dy_no, w_oi, factor));
}

at::Tensor wide_matmul_tn(const at::Tensor& dy_no, const at::Tensor& x_ni) {
  if (at::Tensor dw_oi = on_gpu({dy_no, true}, {x_ni}, dy_no.size(1), x_ni.size(1), 1, at::kFloat); dw_oi.defined())
    return dw_oi;
  return widened(matmul_tn(dy_no, x_ni));
}

void add_wide_matmul_tn(const at::Tensor& sum_oi, const at::Tensor& dy_no, const at::Tensor& x_ni) {
  if (sum_oi.is_cuda() && multiply_on_gpu({dy_no, true}, {x_ni}, sum_oi, 1, 1)) return;
  sum_oi.add_(matmul_tn(dy_no, x_ni));
}

}  // namespace pst::ops
