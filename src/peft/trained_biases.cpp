// SPDX-License-Identifier: Apache-2.0
#include "peft/trained_biases.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/zeros.h>

#include "nn/in_use.hpp"
#include "ops/wide.hpp"

// Shape letters: n rows (tokens), i features in, o features out.
namespace pst::peft {
namespace {

/// A layer whose own bias is there still: y = layer(x) + (bias - its own).
class BiasLinear final : public nn::Linear {
 public:
  BiasLinear(std::unique_ptr<nn::Linear> inner, const nn::Parameter& bias_o, at::Tensor frozen_o)
      : inner_(std::move(inner)), bias_o_(bias_o), frozen_o_(std::move(frozen_o)) {}
  std::int64_t in_features() const override { return inner_->in_features(); }
  std::int64_t out_features() const override { return inner_->out_features(); }
  at::Tensor weight(at::ScalarType dtype) const override { return inner_->weight(dtype); }
  at::Tensor apply(const at::Tensor& x_ni) const override {
    at::NoGradGuard no_gradients;
    return inner_->apply(x_ni).add_(bias_o_.compute - frozen_o_);
  }
  at::Tensor apply_transposed(const at::Tensor& dy_no) const override { return inner_->apply_transposed(dy_no); }
  at::Tensor forward(const at::Tensor& x_ni, const nn::Pass& pass) const override {
    return moved(inner_->forward(x_ni, pass));
  }
  std::vector<at::Tensor> forward_together(std::span<const nn::Linear* const> layers, const char* name,
                                           const at::Tensor& x_ni, const nn::Pass& pass) const override {
    std::vector<const BiasLinear*> all;
    std::vector<const nn::Linear*> inner;
    for (const nn::Linear* const layer : layers)
      if (const auto* const biased = dynamic_cast<const BiasLinear*>(layer)) {
        all.push_back(biased);
        inner.push_back(biased->inner_.get());
      }
    if (all.size() != layers.size()) return nn::Linear::forward_together(layers, name, x_ni, pass);
    std::vector<at::Tensor> outputs = inner.front()->forward_together(inner, name, x_ni, pass);
    for (std::size_t i = 0; i < all.size(); ++i) outputs[i] = all[i]->moved(outputs[i]);
    return outputs;
  }

 private:
  at::Tensor moved(const at::Tensor& y_no) const { return y_no + (nn::in_use(bias_o_) - frozen_o_); }

  std::unique_ptr<nn::Linear> inner_;
  const nn::Parameter& bias_o_;
  at::Tensor frozen_o_;
};

}  // namespace

TrainedBiases::TrainedBiases(nn::CausalLm& model, const std::vector<methods::TrainedBias>& biases,
                             nn::ParameterSet& parameters)
    : model_(model) {
  const auto norms = model.norms();
  for (const methods::TrainedBias& of : biases) {
    nn::Parameter* const bias = &parameters.add(of.name, {of.width});
    switch (of.kind) {
      case methods::TrainedBias::Kind::linear: linears_.push_back({.place = of.place, .bias = bias}); break;
      case methods::TrainedBias::Kind::norm: norms_.push_back({norms[of.place], bias}); break;
    }
  }
}

void TrainedBiases::attach(const std::vector<const nn::Linear*>& bases) {
  auto slots = model_.linears();
  for (Linear& of : linears_) {
    of.base = bases[of.place];
    of.frozen = at::zeros({of.bias->count()}, of.bias->compute.options().requires_grad(false));
    std::unique_ptr<nn::Linear>& slot = *slots[of.place].linear;
    slot = std::make_unique<BiasLinear>(std::move(slot), *of.bias, of.frozen);
  }
  for (const Norm& of : norms_)
    of.slot.norm->trained = [norm = of.slot.norm, bias = of.bias] {
      return ops::NormValues{.weight = norm->weight, .bias = ops::widened(nn::in_use(*bias))};
    };
}

void TrainedBiases::prepare() {
  for (const Linear& of : linears_) {
    model_.make_readable(of.place);
    of.frozen.copy_(of.base->apply(at::zeros({1, of.base->in_features()}, of.frozen.options())).view({-1}));
  }
}

void TrainedBiases::start() {
  for (const Linear& of : linears_) of.bias->value.copy_(of.frozen);
  for (const Norm& of : norms_) of.bias->value.copy_(of.slot.norm->bias);
}

}  // namespace pst::peft
