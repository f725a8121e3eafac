// SPDX-License-Identifier: Apache-2.0
#include "peft/delta_linear.hpp"

#include <ATen/TensorOperators.h>

#include <ATen/ops/empty.h>

#include "core/error.hpp"
#include "core/trace.hpp"
#include "ops/backward_node.hpp"
#include "ops/gemm.hpp"

// Shape letters: n rows (tokens), i features in, o features out.
namespace pst::peft {

/// With D as forward made it, and z = dropout(x):
///   dD = dy^T z      dx = dy W + dropout'(dy D)
class DeltaNode final : public ops::Node {
 public:
  DeltaNode(const DeltaLinear& layer, const nn::Pass& pass, at::Tensor x_ni)
      : layer_(layer), pass_(pass), x_ni_(std::move(x_ni)) {}

 protected:
  List backward(List& gradients) override {
    List out(1 + layer_.parameters().size());
    if (!gradients[0].defined()) return out;
    const at::Tensor dy_no = gradients[0].contiguous();
    const Tensors leaves = layer_.leaves();
    at::Tensor d_oi;
    {
      const at::AutoGradMode recording(true);
      d_oi = layer_.delta(leaves, pass_);
    }
    // First of all: what D was made of may be the base's weight, in memory that its next product writes over.
    const at::Tensor of_d_oi = ops::wide_matmul_tn(dy_no, layer_.dropped(x_ni_, layer_.dropout(), pass_));
    const Tensors of_leaves = DeltaLinear::gradients_of(leaves, {d_oi}, {of_d_oi.to(d_oi.scalar_type())});
    for (std::size_t i = 0; i < leaves.size(); ++i)
      if (wanted(i + 1)) out[i + 1] = of_leaves[i];
    if (wanted(0)) {
      const at::Tensor update_ni =
          layer_.dropped(ops::matmul_nn(dy_no, d_oi.detach().to(dy_no.scalar_type())), layer_.dropout(), pass_);
      const trace::Scope span(trace::Kind::linear, nullptr);
      out[0] = layer_.base().add_applied_transposed(update_ni, dy_no);
    }
    return out;
  }
  void release() override { x_ni_.reset(); }

 private:
  const DeltaLinear& layer_;
  nn::Pass pass_;
  at::Tensor x_ni_;
};

at::Tensor DeltaLinear::rows_dropped(const at::Tensor& d_oi, double chance, RowScale scale,
                                     const nn::Pass& pass) const {
  if (!pass.training || chance == 0) return d_oi;
  const Rng rng = pass.random.child(adapted().layer).child("rows");
  const at::Tensor left = at::empty({d_oi.size(0), 1}, at::kFloat);
  float* const values = left.mutable_data_ptr<float>();
  std::int64_t count = 0;
  for (std::int64_t row = 0; row < d_oi.size(0); ++row) {
    const bool stays = static_cast<double>(rng.uniform(static_cast<std::uint64_t>(row))) >= chance;
    values[row] = stays ? 1 : 0;
    count += stays ? 1 : 0;
  }
  if (scale == RowScale::by_mean && count > 0)
    left.mul_(static_cast<double>(d_oi.size(0)) / static_cast<double>(count));
  return d_oi * left.to(d_oi.device());
}

at::Tensor DeltaLinear::run(const at::Tensor&, const Tensors&, const nn::Pass&) const {
  throw Error(Fault::bug, "an update of a weight is not run by itself");
}

at::Tensor DeltaLinear::weight(at::ScalarType dtype) const {
  at::NoGradGuard no_gradients;
  return base().weight(at::kFloat).add(delta(masters(), {})).to(dtype);
}

at::Tensor DeltaLinear::apply(const at::Tensor& x_ni) const {
  at::NoGradGuard no_gradients;
  nn::Rows rows{x_ni};
  return base().add_applied(ops::matmul_nt(x_ni, delta(floats(), {}).to(x_ni.scalar_type()).contiguous()), rows);
}

at::Tensor DeltaLinear::apply_transposed(const at::Tensor& dy_no) const {
  at::NoGradGuard no_gradients;
  const at::Tensor d_oi = delta(floats(), {}).to(dy_no.scalar_type()).contiguous();
  return base().add_applied_transposed(ops::matmul_nn(dy_no, d_oi), dy_no);
}

at::Tensor DeltaLinear::forward(const at::Tensor& x_ni, const nn::Pass& pass) const {
  if (is_left_out(module_dropout(), pass)) return base().forward(x_ni, pass);
  const trace::Scope span(trace::Kind::adapter, "adapter");
  at::Tensor y_no;
  {
    at::NoGradGuard no_gradients;
    const at::Tensor d_oi = delta(floats(), pass).to(x_ni.scalar_type()).contiguous();
    const at::Tensor update_no = ops::matmul_nt(dropped(x_ni.detach(), dropout(), pass), d_oi);
    const trace::Scope frozen(trace::Kind::linear, nullptr);
    nn::Rows rows{x_ni.detach()};
    y_no = base().add_applied(update_no, rows);
  }
  record<DeltaNode>(x_ni, y_no, *this, pass, x_ni.detach());
  return y_no;
}

}  // namespace pst::peft
