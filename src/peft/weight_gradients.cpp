// SPDX-License-Identifier: Apache-2.0
#include "peft/weight_gradients.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/argsort.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

#include "ops/backward_node.hpp"
#include "peft/fill.hpp"
#include "peft/sketch.hpp"
#include "peft/watched_linear.hpp"

// Shape letters: n tokens, i features in, o features out, k singular values, r rank.
namespace pst::peft {
namespace {

constexpr int kRounds = 4;  // of PEFT's sketches

/// A frozen layer that adds its weight's gradient to a sum.
class GradientLinear final : public nn::Linear {
 public:
  GradientLinear(std::unique_ptr<nn::Linear> base, at::Tensor& sum_oi)
      : base_(std::move(base)), sum_oi_(sum_oi), root_(at::zeros({1}).requires_grad_(true)) {}
  std::unique_ptr<nn::Linear> give_back() { return std::move(base_); }

  std::int64_t in_features() const override { return base_->in_features(); }
  std::int64_t out_features() const override { return base_->out_features(); }
  at::Tensor weight(at::ScalarType dtype) const override { return base_->weight(dtype); }
  at::Tensor apply(const at::Tensor& x_ni) const override { return base_->apply(x_ni); }
  at::Tensor apply_transposed(const at::Tensor& dy_no) const override { return base_->apply_transposed(dy_no); }
  at::Tensor forward(const at::Tensor& x_ni, const nn::Pass&) const override {
    at::Tensor y_no;
    {
      at::AutoDispatchBelowADInplaceOrView below;
      y_no = base_->apply(x_ni);
    }
    // Recorded though nothing may be trained before this layer: the root wants a gradient, and never gets one.
    if (ops::records({x_ni, root_})) ops::connect(std::make_shared<Node>(*this, x_ni.detach()), {x_ni, root_}, {y_no});
    return y_no;
  }

 private:
  class Node final : public ops::Node {
   public:
    Node(const GradientLinear& layer, at::Tensor x_ni) : layer_(layer), x_ni_(std::move(x_ni)) {}

   protected:
    List backward(List& gradients) override {
      List out(2);
      if (!gradients[0].defined()) return out;
      const at::Tensor dy_no = gradients[0].contiguous();
      const at::Tensor dy_on = dy_no.to(at::kFloat).t(), values_ni = x_ni_.to(at::kFloat);
      if (layer_.sum_oi_.defined())
        layer_.sum_oi_.addmm_(dy_on, values_ni);
      else
        layer_.sum_oi_ = dy_on.mm(values_ni);
      if (wanted(0)) out[0] = layer_.apply_transposed(dy_no);
      return out;
    }
    void release() override { x_ni_.reset(); }

   private:
    const GradientLinear& layer_;
    at::Tensor x_ni_;
  };

  std::unique_ptr<nn::Linear> base_;
  at::Tensor& sum_oi_;
  at::Tensor root_;
};

/// Which r of 2 r, in an order of chance.
at::Tensor some_of(std::int64_t r, const Rng& rng) {
  const at::Tensor keys = at::empty({2 * r}, at::kFloat);
  fill_uniform(keys, 1, rng);
  return at::argsort(keys, /*stable=*/true, /*dim=*/0, /*descending=*/false).slice(0, 0, r);
}

}  // namespace

struct WeightGradients::Watch {
  Wrapped<GradientLinear> layers;
};

WeightGradients::WeightGradients(nn::CausalLm& model, const std::vector<methods::Studied>& layers)
    : model_(model), layers_(layers), sums_(layers.size()) {}
WeightGradients::~WeightGradients() = default;

void WeightGradients::before() {
  watch_ = std::make_unique<Watch>();
  std::vector<nn::LinearSlot> slots = model_.linears();
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    std::unique_ptr<nn::Linear>& slot = *slots[layers_[i].layer].linear;
    watch_->layers.add(slot, sums_[i]);
  }
}
void WeightGradients::after() {
  watch_.reset();
  ++batches_;
}

at::Tensor WeightGradients::mean(std::size_t layer) const {
  if (!sums_[layer].defined()) return at::zeros({layers_[layer].out, layers_[layer].in}, at::kFloat);
  return sums_[layer] / static_cast<double>(batches_);
}

LowRank gradient_start(const at::Tensor& gradient_oi, const std::function<at::Tensor()>& weight,
                       const methods::LoraGaConfig& config, std::int64_t r, double scale, const Rng& rng) {
  using methods::LoraGaDirection;
  using methods::LoraGaScale;
  std::uint64_t draws = 0;
  const DrawNormal draw = [&](std::int64_t rows, std::int64_t columns, at::ScalarType) {
    const at::Tensor values = at::empty({rows, columns}, at::kFloat);
    fill_normal(values, 1, rng.child("sketch").child(draws++));
    return values;
  };
  const std::int64_t smaller = std::min(gradient_oi.size(0), gradient_oi.size(1));
  const Singular found = sketched(gradient_oi, std::min(4 * r, smaller), kRounds, draw);

  at::Tensor of_a, of_b;  // places among the 2 r largest
  switch (config.direction) {
    case LoraGaDirection::ArBr:
      of_a = at::arange(1, 2 * r, 2, at::kLong);
      of_b = at::arange(0, 2 * r, 2, at::kLong);
      break;
    case LoraGaDirection::A2rBr:
      of_a = at::arange(r, 2 * r, at::kLong);
      of_b = at::arange(0, r, at::kLong);
      break;
    case LoraGaDirection::ArB2r:
      of_a = at::arange(0, r, at::kLong);
      of_b = at::arange(r, 2 * r, at::kLong);
      break;
    case LoraGaDirection::random: of_a = of_b = some_of(r, rng.child("order")); break;
  }
  const at::Device device = gradient_oi.device();
  const at::Tensor a_ri = at::index_select(found.v_ri, 0, of_a.to(device)),
                   s_r = at::index_select(found.s_r, 0, of_b.to(device)),
                   b_or = at::index_select(found.u_or, 1, of_b.to(device)) * s_r;
  switch (config.scale) {
    case LoraGaScale::stable: {
      const auto out = static_cast<double>(gradient_oi.size(0));
      return {a_ri, b_or * (std::pow(out, 0.25) / std::sqrt(static_cast<double>(config.stable_gamma)))};
    }
    case LoraGaScale::weight_svd: {
      const double first = s_r[0].item().toDouble();
      if (!(first > 0)) return {a_ri, b_or};
      return {a_ri, b_or * (sketched(weight(), r, kRounds, draw).s_r[0].item().toDouble() / first)};
    }
    case LoraGaScale::gd_scale: return {a_ri / scale, b_or / scale};
    case LoraGaScale::unit: break;
  }
  return {a_ri, b_or};
}

}  // namespace pst::peft
