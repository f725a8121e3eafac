// SPDX-License-Identifier: Apache-2.0
#include "ops/gemm.hpp"

#include <ATen/core/List.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mm.h>

#include <string_view>

#include "core/error.hpp"

// f32 goes to oneDNN's just-in-time kernels, which at::linear does not use: MKL, its choice, reaches 40 % of the FMA
// peak on AMD's AVX-512 cores where oneDNN reaches 90 % (tools/bench), and both do about 90 % on Intel's. One fixed
// choice, no measurement at start, so that every rank and every restart computes the same bits. bf16: at::linear is
// oneDNN already. On a GPU at::linear and its kin are cuBLAS.
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

}  // namespace

at::Tensor matmul_nt(const at::Tensor& x_ni, const at::Tensor& w_oi, const std::optional<at::Tensor>& bias_o) {
  if (by_onednn(x_ni)) return f32_nt(x_ni, w_oi, bias_o);
  return at::linear(x_ni, w_oi, bias_o);
}

at::Tensor add_matmul_nt(at::Tensor sum_no, const at::Tensor& x_ni, const at::Tensor& w_oi) {
  if (by_onednn(x_ni)) return onednn_linear_plus().call(x_ni, sum_no, w_oi, std::nullopt, "add");
  return sum_no.addmm_(x_ni, w_oi.t());
}

at::Tensor matmul_nn(const at::Tensor& dy_no, const at::Tensor& w_oi) {
  if (by_onednn(dy_no)) return f32_nt(dy_no, w_oi.t(), {});
  return at::mm(dy_no, w_oi);
}

at::Tensor add_matmul_nn(at::Tensor sum_ni, const at::Tensor& dy_no, const at::Tensor& w_oi) {
  if (by_onednn(dy_no)) return onednn_linear_plus().call(dy_no, sum_ni, w_oi.t(), std::nullopt, "add");
  return sum_ni.addmm_(dy_no, w_oi);
}

at::Tensor matmul_tn(const at::Tensor& dy_no, const at::Tensor& x_ni) {
  // oneDNN is at its worst with a handful of rows out (adapters of rank 16): there the plain path is faster.
  if (by_onednn(dy_no) && dy_no.size(1) >= 16 && x_ni.size(1) >= 64) return f32_nt(dy_no.t(), x_ni.t(), {});
  return at::mm(dy_no.t(), x_ni);
}

}  // namespace pst::ops
