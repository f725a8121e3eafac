// SPDX-License-Identifier: Apache-2.0
#include "nn/balance.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/bincount.h>
#include <ATen/ops/softmax.h>

#include "core/error.hpp"
#include "ops/backward_node.hpp"

// Shape letters: n rows, e experts, k choices of a row.
namespace pst::nn {
namespace {

/// With p = softmax(logits) and w the loss's slope in p: d logits += p (w - the sum of p w).
class Node final : public ops::Node {
 public:
  Node(const Balance& balance, at::Tensor logits_ne) : balance_(balance), logits_ne_(std::move(logits_ne)) {}

 protected:
  List backward(List& gradients) override {
    if (!wanted(0)) return List(1);
    const at::Tensor& w_e = balance_.slopes();
    PST_ASSERT(w_e.defined(), "the pass forward has ended before the one backward begins");
    const at::Tensor p_ne = at::softmax(logits_ne_, -1);
    at::Tensor slope_ne = p_ne * (w_e - (p_ne * w_e).sum(-1, /*keepdim=*/true));
    return {gradients[0].defined() ? gradients[0] + slope_ne : std::move(slope_ne)};
  }
  void release() override { logits_ne_.reset(); }

 private:
  const Balance& balance_;  // of the pass, which outlives its backward
  at::Tensor logits_ne_;
};

}  // namespace

at::Tensor Balance::seen(const at::Tensor& logits_ne, const at::Tensor& chosen_nk) {
  if (!closed_) {
    const at::NoGradGuard no_gradients;
    const at::Tensor chosen_e = at::bincount(chosen_nk.reshape({-1}), {}, logits_ne.size(1));
    const at::Tensor probabilities_e = at::softmax(logits_ne.detach(), -1).sum(0, /*keepdim=*/false, at::kDouble);
    chosen_e_ = chosen_e_.defined() ? chosen_e_ + chosen_e : chosen_e;
    probabilities_e_ = probabilities_e_.defined() ? probabilities_e_ + probabilities_e : probabilities_e;
    rows_ += logits_ne.size(0);
  }
  if (!ops::records({logits_ne})) return logits_ne;
  const at::Tensor same_ne = logits_ne.detach();
  ops::connect(std::make_shared<Node>(*this, same_ne), {logits_ne}, {same_ne});
  return same_ne;
}

void Balance::close() {
  closed_ = true;
  if (rows_ == 0) return;
  const auto rows = static_cast<double>(rows_);
  const at::Tensor frequency_e = chosen_e_.to(at::kDouble) * (static_cast<double>(chosen_e_.size(0)) / (rows * rows));
  value_ = (frequency_e * probabilities_e_).sum().item().toDouble();
  slopes_e_ = (frequency_e * factor_).to(at::kFloat);
}

}  // namespace pst::nn
