// SPDX-License-Identifier: Apache-2.0
#include "peft/dora_linear.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/addcmul.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/zeros.h>

#include "core/trace.hpp"
#include "ops/gemm.hpp"
#include "ops/wide.hpp"

// Shape letters: n rows (tokens), i features in, o features out, r rank.
namespace pst::peft {

/// With s = scale, u = W x + s B A x (kept, with b), h = s A x (kept) and v = g dy:
///   dm = (the sum over rows of dy u) / ||..||      dB = v^T h      dA = (s v B)^T x      dx = v W + s v B A
class DoraNode final : public ops::Node {
 public:
  DoraNode(const DoraLinear& layer, DoraLinear::Scale scale, at::Tensor x_ni, at::Tensor h_nr, at::Tensor u_no)
      : layer_(layer),
        scale_(std::move(scale)),
        x_ni_(std::move(x_ni)),
        h_nr_(std::move(h_nr)),
        u_no_(std::move(u_no)) {}

 protected:
  List backward(List& gradients) override {
    List out(4);
    if (!gradients[0].defined()) return out;
    const at::Tensor dy_no = gradients[0].contiguous(), v_no = dy_no * scale_.g_o.to(dy_no.scalar_type());
    if (wanted(3)) {
      at::Tensor sum_o = ops::widened(dy_no).mul(u_no_).sum(0);
      sum_o.sub_(ops::widened(dy_no).sum(0) * layer_.bias_o_);
      out[3] = sum_o.div_(scale_.norm_o);
    }
    if (wanted(2)) out[2] = ops::wide_matmul_tn(v_no, h_nr_);
    const at::Tensor g_nr = ops::scaled_matmul_nn(v_no, layer_.b().compute, layer_.adapted().scale);
    if (wanted(1)) out[1] = ops::wide_matmul_tn(g_nr, x_ni_);
    if (wanted(0)) {
      at::Tensor update_ni = ops::matmul_nn(g_nr, layer_.a().compute);
      const trace::Scope span(trace::Kind::linear, nullptr);
      out[0] = layer_.base().add_applied_transposed(std::move(update_ni), v_no);
    }
    return out;
  }
  void release() override {
    x_ni_.reset();
    h_nr_.reset();
    u_no_.reset();
  }

 private:
  const DoraLinear& layer_;
  DoraLinear::Scale scale_;
  at::Tensor x_ni_, h_nr_, u_no_;
};

void DoraLinear::prepare() {
  const at::Tensor weight_oi = base().weight(at::kFloat);
  squares_o_ = weight_oi.square().sum(1, /*keepdim=*/false, at::kDouble);
  bias_o_ = ops::widened(base().apply(at::zeros({1, in_features()}, a().compute.options())).view({-1}));
}

void DoraLinear::start(const Rng&) { m().value.copy_(squares_o_.sqrt()); }

/// Of squares: ||W||^2 + 2 s <W, B A> + s^2 ||B A||^2 by rows, without a matrix of W's size.
at::Tensor DoraLinear::norm() const {
  const at::Tensor &a_ri = a().compute, &b_or = b().compute;
  const double s = adapted().scale;
  const at::Tensor b = b_or.to(at::kDouble), aa_rr = a_ri.to(at::kDouble).mm(a_ri.to(at::kDouble).t());
  const at::Tensor wa_or = base().apply(a_ri).to(at::kDouble).sub(bias_o_.to(at::kDouble)).t();
  const at::Tensor squares_o = squares_o_ + (wa_or * b).sum(1) * (2 * s) + (b.mm(aa_rr) * b).sum(1) * (s * s);
  return squares_o.clamp_min(0).sqrt().to(ops::wide(a_ri.scalar_type()));
}

DoraLinear::Scale DoraLinear::scale() const {
  const at::Tensor norm_o = norm();
  return {ops::widened(m().compute) / norm_o, norm_o};
}

at::Tensor DoraLinear::scaled(const at::Tensor& sum_no, const Scale& scale) const {
  const at::ScalarType dtype = sum_no.scalar_type();
  return at::addcmul(((1 - scale.g_o) * bias_o_).to(dtype), sum_no, scale.g_o.to(dtype));
}

at::Tensor DoraLinear::apply(const at::Tensor& x_ni) const {
  at::NoGradGuard no_gradients;
  if (!scale_at_rest_.defined()) scale_at_rest_ = scale().g_o;
  const at::Tensor h_nr = ops::scaled_matmul_nt(x_ni, a().compute, adapted().scale);
  nn::Rows rows{x_ni};
  return scaled(base().add_applied(ops::matmul_nt(h_nr, b().compute), rows), {scale_at_rest_, {}});
}

at::Tensor DoraLinear::apply_transposed(const at::Tensor& dy_no) const {
  at::NoGradGuard no_gradients;
  const at::Tensor v_no = dy_no * scale().g_o.to(dy_no.scalar_type());
  const at::Tensor g_nr = ops::scaled_matmul_nn(v_no, b().compute, adapted().scale);
  return base().add_applied_transposed(ops::matmul_nn(g_nr, a().compute), v_no);
}

at::Tensor DoraLinear::weight(at::ScalarType dtype) const {
  at::NoGradGuard no_gradients;
  const at::Tensor sum_oi = at::addmm(base().weight(at::kFloat), b().value, a().value, 1, adapted().scale);
  const at::Tensor norm_o = sum_oi.to(at::kDouble).square().sum(1).sqrt().to(at::kFloat);
  return (sum_oi * (m().value / norm_o).unsqueeze(1)).to(dtype);
}

at::Tensor DoraLinear::forward(const at::Tensor& x_ni, const nn::Pass& pass) const {
  const trace::Scope span(trace::Kind::adapter, "dora");
  if (pass.training) scale_at_rest_.reset();
  if (pass.training && adapted().dropout > 0) return run(x_ni, in_use(), pass);
  at::Tensor y_no, h_nr, u_no;
  Scale of_rows;
  {
    at::NoGradGuard no_gradients;
    of_rows = scale();
    h_nr = ops::scaled_matmul_nt(x_ni, a().compute, adapted().scale);
    at::Tensor update_no = ops::matmul_nt(h_nr, b().compute);
    {
      const trace::Scope frozen(trace::Kind::linear, nullptr);
      nn::Rows rows{x_ni.detach()};
      u_no = base().add_applied(std::move(update_no), rows);
    }
    y_no = scaled(u_no, of_rows);
  }
  record<DoraNode>(x_ni, y_no, *this, of_rows, x_ni.detach(), h_nr, u_no);
  return y_no;
}

/// With dropout, what it leaves of x goes through W a second time.
at::Tensor DoraLinear::run(const at::Tensor& x_ni, const Tensors& trained, const nn::Pass& pass) const {
  at::Tensor norm_o;
  {
    at::NoGradGuard no_gradients;
    norm_o = norm();
  }
  const at::ScalarType dtype = x_ni.scalar_type();
  const at::Tensor z_ni = dropped(x_ni, adapted().dropout, pass);
  const at::Tensor g_o = (ops::widened(trained[2]) / norm_o).to(dtype);
  const at::Tensor wz_no = base().forward(z_ni, {}) - bias_o_.to(dtype);
  const at::Tensor update_no = at::linear(at::linear(z_ni, trained[0]), trained[1]) * adapted().scale;
  return base().forward(x_ni, {}) + (g_o - 1) * wz_no + g_o * update_no;
}

}  // namespace pst::peft
