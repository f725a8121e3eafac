// SPDX-License-Identifier: Apache-2.0
#include "peft/lora_linear.hpp"

#include <ATen/ops/empty_like.h>

#include "core/trace.hpp"
#include "kernels/dropout/dropout.hpp"
#include "ops/gemm.hpp"
#include "ops/node.hpp"

// Shape letters: n rows (tokens), i features in, o features out, r rank.
namespace pst::peft {

LoraLinear::LoraLinear(std::unique_ptr<nn::Linear> base, const std::string& name, LoraOptions options,
                       std::uint64_t stream, nn::ParameterSet& parameters)
    : base_(std::move(base)),
      last_part_(name.substr(name.rfind('.') + 1)),
      options_(options),
      stream_(stream),
      a_ri_(parameters.add(name + ".lora_A.weight", {options.r, base_->in_features()})),
      b_or_(parameters.add(name + ".lora_B.weight", {base_->out_features(), options.r})) {}

/// dA, dB and dx in the fewest products. With s = scale, h = s A dropout(x) (kept) and g = s dy B:
///   dB = dy^T h      dA = g^T dropout(x)      dx = dy W + dropout'(g A)
class LoraLinear::BackwardNode final : public ops::Node {
 public:
  BackwardNode(const LoraLinear& layer, const nn::Pass& pass, at::Tensor x_ni, at::Tensor h_nr)
      : layer_(layer), pass_(pass), x_ni_(std::move(x_ni)), h_nr_(std::move(h_nr)) {}

 protected:
  List backward(List& gradients) override {
    if (!gradients[0].defined()) return List(3);
    const at::Tensor dy_no = gradients[0].contiguous();
    const at::Tensor g_nr = ops::scaled_matmul_nn(dy_no, layer_.b_or_.compute, layer_.options_.scale);

    List out(3);
    if (wanted(2)) out[2] = of_parameter(layer_.b_or_, dy_no, h_nr_);
    if (wanted(1)) out[1] = of_parameter(layer_.a_ri_, g_nr, layer_.dropped(x_ni_, pass_));
    if (wanted(0)) {
      at::Tensor dx_ni = layer_.frozen_transposed(dy_no);
      const bool drops = pass_.training && layer_.options_.dropout > 0;
      out[0] = drops ? dx_ni.add_(layer_.dropped(ops::matmul_nn(g_nr, layer_.a_ri_.compute), pass_))
                     : ops::add_matmul_nn(std::move(dx_ni), g_nr, layer_.a_ri_.compute);
    }
    return out;
  }
  void release() override {
    x_ni_.reset();
    h_nr_.reset();
  }

 private:
  /// left^T right. On a GPU the product itself adds to what the parameter has already, and there is nothing to hand on.
  static at::Tensor of_parameter(const nn::Parameter& parameter, const at::Tensor& left, const at::Tensor& right) {
    const at::Tensor& sum = parameter.value.grad();
    if (!left.is_cuda() || !sum.defined()) return ops::wide_matmul_tn(left, right);
    ops::add_wide_matmul_tn(sum, left, right);
    return {};
  }

  const LoraLinear& layer_;
  nn::Pass pass_;
  at::Tensor x_ni_, h_nr_;
};

at::Tensor LoraLinear::dropped(const at::Tensor& x_ni, const nn::Pass& pass) const {
  if (!pass.training || options_.dropout == 0) return x_ni;
  const at::Tensor out = at::empty_like(x_ni);
  kernels::dropout(ops::exec_of(x_ni), ops::view_of(x_ni), options_.dropout, pass.random.child(stream_),
                   ops::view_of(out));
  return out;
}

at::Tensor LoraLinear::frozen(const at::Tensor& x_ni) const {
  const trace::Scope span(trace::Kind::linear, nullptr);
  return base_->apply(x_ni);
}
at::Tensor LoraLinear::frozen_transposed(const at::Tensor& dy_no) const {
  const trace::Scope span(trace::Kind::linear, nullptr);
  return base_->apply_transposed(dy_no);
}

at::Tensor LoraLinear::forward(const at::Tensor& x_ni, const nn::Pass& pass) const {
  const trace::Scope span(trace::Kind::lora, last_part_.c_str());
  at::Tensor y_no, h_nr;
  {
    at::AutoDispatchBelowADInplaceOrView below;
    h_nr = ops::scaled_matmul_nt(dropped(x_ni, pass), a_ri_.compute, options_.scale);
    y_no = ops::add_matmul_nt(frozen(x_ni), h_nr, b_or_.compute);
  }
  if (ops::records({x_ni, a_ri_.value, b_or_.value})) {
    const auto node = std::make_shared<BackwardNode>(*this, pass, x_ni.detach(), h_nr);
    ops::connect(node, {x_ni, a_ri_.value, b_or_.value}, {y_no});
  }
  return y_no;
}

at::Tensor LoraLinear::apply(const at::Tensor& x_ni) const {
  return ops::add_matmul_nt(base_->apply(x_ni), ops::scaled_matmul_nt(x_ni, a_ri_.compute, options_.scale),
                            b_or_.compute);
}

at::Tensor LoraLinear::apply_transposed(const at::Tensor& dy_no) const {
  return ops::add_matmul_nn(base_->apply_transposed(dy_no), ops::scaled_matmul_nn(dy_no, b_or_.compute, options_.scale),
                            a_ri_.compute);
}

}  // namespace pst::peft
