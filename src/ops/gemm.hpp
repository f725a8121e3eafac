// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include <optional>

// Matrix products, two-dimensional, f32 or bf16, each through the fastest path measured. Shape letters: n rows
// (tokens), i features in, o features out. No autograd: callers are nodes of their own.
namespace pst::ops {

/// x w^T (+ bias).  x [n, i], w [o, i], bias [o] -> [n, o]
at::Tensor matmul_nt(const at::Tensor& x_ni, const at::Tensor& w_oi, const std::optional<at::Tensor>& bias_o = {});
/// sum + x w^T (+ bias). `sum` [n, o] may be overwritten; use only the result.
at::Tensor add_matmul_nt(at::Tensor sum_no, const at::Tensor& x_ni, const at::Tensor& w_oi,
                         const std::optional<at::Tensor>& bias_o = {});

/// dy w: the gradient with respect to x of x w^T.  dy [n, o], w [o, i] -> [n, i]
at::Tensor matmul_nn(const at::Tensor& dy_no, const at::Tensor& w_oi);
/// sum + dy w. `sum` [n, i] may be overwritten; use only the result.
at::Tensor add_matmul_nn(at::Tensor sum_ni, const at::Tensor& dy_no, const at::Tensor& w_oi);

/// dy^T x: the gradient with respect to w.  dy [n, o], x [n, i] -> [o, i]
at::Tensor matmul_tn(const at::Tensor& dy_no, const at::Tensor& x_ni);

/// factor * (x w^T) and factor * (dy w). On a GPU the factor meets the sum before it is rounded; on a CPU after that.
at::Tensor scaled_matmul_nt(const at::Tensor& x_ni, const at::Tensor& w_oi, double factor);
at::Tensor scaled_matmul_nn(const at::Tensor& dy_no, const at::Tensor& w_oi, double factor);
/// into = factor * (dy w). @param into  [n, i], whose rows may lie apart
void scaled_matmul_nn_into(const at::Tensor& into_ni, const at::Tensor& dy_no, const at::Tensor& w_oi, double factor);
/// dy^T x in f32. On a GPU the sum is not rounded before; on a CPU it is, to the dtype of the factors.
at::Tensor wide_matmul_tn(const at::Tensor& dy_no, const at::Tensor& x_ni);
/// sum += dy^T x, as wide_matmul_tn() has it. @param sum  f32 [o, i]
void add_wide_matmul_tn(const at::Tensor& sum_oi, const at::Tensor& dy_no, const at::Tensor& x_ni);

}  // namespace pst::ops
