// SPDX-License-Identifier: Apache-2.0
#include "peft/lora_embedding.hpp"

#include <ATen/ops/index_select.h>
#include <ATen/ops/zeros.h>

#include "ops/add_rows.hpp"
#include "ops/backward_node.hpp"
#include "ops/gemm.hpp"
#include "ops/wide.hpp"

// Shape letters: n rows (tokens), r rank, d width, v vocabulary.
namespace pst::peft {
namespace {

/// With s = scale and h = s A^T[ids] (kept):
///   dB = dy^T h      dA: to column t the sum of s dy B over the rows of token t
class Node final : public ops::Node {
 public:
  Node(double scale, const nn::Parameter& a_rv, const nn::Parameter& b_dr, at::Tensor ids, at::Tensor h_nr)
      : scale_(scale), a_rv_(a_rv), b_dr_(b_dr), ids_(std::move(ids)), h_nr_(std::move(h_nr)) {}

 protected:
  List backward(List& gradients) override {
    List out(2);
    if (!gradients[0].defined()) return out;
    const at::Tensor dy_nd = gradients[0].contiguous();
    if (wanted(1)) out[1] = ops::wide_matmul_tn(dy_nd, h_nr_);
    if (wanted(0)) {
      const at::Tensor g_nr = ops::widened(ops::scaled_matmul_nn(dy_nd, b_dr_.compute, scale_));
      const at::Tensor& sum_rv = a_rv_.value.grad();
      const at::Tensor into_rv = sum_rv.defined() ? sum_rv : at::zeros(a_rv_.shape, g_nr.options());
      ops::add_rows(into_rv.t(), ids_, g_nr);
      if (!sum_rv.defined()) out[0] = into_rv;
    }
    return out;
  }
  void release() override { h_nr_.reset(); }

 private:
  double scale_;
  const nn::Parameter &a_rv_, &b_dr_;
  at::Tensor ids_, h_nr_;
};

}  // namespace

at::Tensor LoraEmbedding::rows(const at::Tensor& ids) const {
  at::Tensor rows_nd, h_nr;
  {
    at::NoGradGuard no_gradients;
    h_nr = at::index_select(a_rv_.compute, 1, ids).t().contiguous().mul_(scale_);
    rows_nd = ops::add_matmul_nt(base_->rows(ids), h_nr, b_dr_.compute);
  }
  if (ops::records({a_rv_.value}))
    ops::connect(std::make_shared<Node>(scale_, a_rv_, b_dr_, ids, h_nr), {a_rv_.value, b_dr_.value}, {rows_nd});
  return rows_nd;
}

}  // namespace pst::peft
