// SPDX-License-Identifier: Apache-2.0
// (IA)^3: inputs or outputs of frozen layers times a learned vector.
#include "methods/ia3.hpp"

#include <ATen/ops/mul.h>
#include <ATen/ops/sum.h>

#include "core/trace.hpp"
#include "methods/method.hpp"
#include "ops/backward_node.hpp"
#include "ops/wide.hpp"
#include "peft/adapter.hpp"

// Shape letters: n rows (tokens), i features in, o features out.
namespace pst::peft {
namespace {

enum class Scales { input, output };

/// y = W (l * x) + b, or y = l * (W x + b). @see Liu et al. 2022, arXiv:2205.05638, section 3.3
class Ia3Linear final : public nn::Linear {
 public:
  Ia3Linear(std::unique_ptr<nn::Linear> base, Scales scales, nn::Parameter& l)
      : base_(std::move(base)), scales_(scales), l_(l) {}

  std::int64_t in_features() const override { return base_->in_features(); }
  std::int64_t out_features() const override { return base_->out_features(); }
  at::Tensor weight(at::ScalarType dtype) const override {
    at::NoGradGuard no_gradients;
    return base_->weight(at::kFloat).mul(l_.value).to(dtype);  // l lies across or along W as its shape says
  }
  at::Tensor apply(const at::Tensor& x_ni) const override {
    return scales_ == Scales::input ? base_->apply(x_ni.mul(vector())) : base_->apply(x_ni).mul_(vector());
  }
  at::Tensor apply_transposed(const at::Tensor& dy_no) const override {
    return scales_ == Scales::input ? base_->apply_transposed(dy_no).mul_(vector())
                                    : base_->apply_transposed(dy_no.mul(vector()));
  }
  at::Tensor forward(const at::Tensor& x_ni, const nn::Pass& pass) const override;

  const nn::Linear& base() const { return *base_; }
  Scales scales() const { return scales_; }
  nn::Parameter& l() const { return l_; }
  /// l as products see it, one value a column.
  at::Tensor vector() const { return l_.compute.detach().view({-1}); }

 private:
  std::unique_ptr<nn::Linear> base_;
  Scales scales_;
  nn::Parameter& l_;
};

/// With z what l multiplies, x or W x + b: dl = the sum over rows of z times the product's gradient.
class Ia3Node final : public ops::Node {
 public:
  Ia3Node(const Ia3Linear& layer, at::Tensor z) : layer_(layer), z_(std::move(z)) {}

 protected:
  List backward(List& gradients) override {
    if (!gradients[0].defined()) return List(2);
    const at::Tensor dy_no = gradients[0].contiguous(), l = layer_.vector();
    List out(2);
    if (layer_.scales() == Scales::input) {
      at::Tensor dz_ni = layer_.base().apply_transposed(dy_no);
      if (wanted(1)) out[1] = of_l(dz_ni);
      if (wanted(0)) out[0] = dz_ni.mul_(l);
    } else {
      if (wanted(1)) out[1] = of_l(dy_no);
      if (wanted(0)) out[0] = layer_.base().apply_transposed(dy_no.mul(l));
    }
    return out;
  }
  void release() override { z_.reset(); }

 private:
  /// Wide, in l's shape. Rows are added in their order, whatever the threads: these share out columns.
  at::Tensor of_l(const at::Tensor& dz) const {
    return at::sum(at::mul(ops::widened(z_), ops::widened(dz)), 0).view(layer_.l().shape);
  }

  const Ia3Linear& layer_;
  at::Tensor z_;
};

at::Tensor Ia3Linear::forward(const at::Tensor& x_ni, const nn::Pass&) const {
  const trace::Scope span(trace::Kind::linear, "ia3");
  at::Tensor y_no, z;
  {
    at::AutoDispatchBelowADInplaceOrView below;
    if (scales_ == Scales::input) {
      z = x_ni.detach();
      y_no = base_->apply(x_ni.mul(vector()));
    } else {
      z = base_->apply(x_ni);
      y_no = z.mul(vector());
    }
  }
  if (ops::records({x_ni, l_.value})) ops::connect(std::make_shared<Ia3Node>(*this, z), {x_ni, l_.value}, {y_no});
  return y_no;
}

class Ia3Adapter final : public Adapter {
 public:
  Ia3Adapter(nn::CausalLm& model, const methods::Adapter& recipe, at::ScalarType compute, at::Device device)
      : Adapter(recipe) {
    std::vector<nn::LinearSlot> slots = model.linears();
    for (const methods::Adapted& of : methods::adapt(recipe, linear_layers(slots))) {
      nn::LinearSlot& slot = slots[of.layer];
      const methods::AdapterTensor& declared = of.tensors.front();
      nn::Parameter& l = parameters_.add(slot.name + "." + declared.name, declared.shape);
      const Scales scales = of.keeps_input ? Scales::input : Scales::output;
      *slot.linear = std::make_unique<Ia3Linear>(std::move(*slot.linear), scales, l);
      modules_.push_back(slot.name);
    }
    allocate(model, compute, device);
  }

  /// Ones, whatever the seed.
  void start(const Rng&) override {
    for (nn::Parameter& parameter : parameters_.all()) parameter.value.fill_(1);
  }
};

}  // namespace

std::unique_ptr<Adapter> make_ia3(nn::CausalLm& model, const methods::Adapter& recipe, at::ScalarType compute,
                                  at::Device device) {
  return std::make_unique<Ia3Adapter>(model, recipe, compute, device);
}

}  // namespace pst::peft
