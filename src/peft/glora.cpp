// SPDX-License-Identifier: Apache-2.0
// GLoRA: weight and bias are multiplied, element by element, and added to.
#include "methods/glora.hpp"

#include <ATen/TensorOperators.h>

#include <ATen/ops/matmul.h>
#include <ATen/ops/zeros.h>

#include "core/strings.hpp"
#include "peft/delta_linear.hpp"
#include "peft/fill.hpp"
#include "peft/linears_adapter.hpp"

// Shape letters: n rows (tokens), i features in, o features out.
namespace pst::peft {
namespace {

/// y = (W + W * A + B) x + b + b * D + E + W C. A, B and C are products of rank r, vectors or one value; D and E
/// vectors or one value; what a layer does not have is left out. @see Chavan et al. 2023, arXiv:2306.07967, section 3
class GloraLinear final : public DeltaLinear {
 public:
  using DeltaLinear::DeltaLinear;

  void prepare() override {
    bias_o_ = base().apply(at::zeros({1, in_features()}, site().trained[0]->compute.options()))[0];
  }
  /// Products: zeros times random values.
  void start(const Rng& rng) override {
    std::size_t next = 0;
    for (const methods::AdapterTensor& tensor : adapted().tensors) {
      if (!tensor.trained) continue;
      const at::Tensor values = master(next);
      if (tensor.name.ends_with(".Xu"))
        fill_kaiming(values, rng.child(next));
      else
        values.zero_();
      ++next;
    }
  }
  at::Tensor apply(const at::Tensor& x_ni) const override {
    at::NoGradGuard no_gradients;
    const at::Tensor y_no = has_matrices() ? DeltaLinear::apply(x_ni) : base().apply(x_ni);
    const at::Tensor shift = shift_o(in_use());
    return shift.defined() ? y_no + shift : y_no;
  }
  at::Tensor forward(const at::Tensor& x_ni, const nn::Pass& pass) const override {
    const at::Tensor y_no = has_matrices() ? DeltaLinear::forward(x_ni, pass) : base().forward(x_ni, pass);
    const at::Tensor shift = shift_o(in_use());
    return shift.defined() ? y_no + shift : y_no;
  }

 private:
  bool has_matrices() const { return adapted().tensors.front().trained; }
  /// A, B, C, D or E of the trained values; undefined where the layer has none.
  at::Tensor part(char letter, const Tensors& trained) const {
    const std::string name = cat("glora_", letter, ".");
    at::Tensor product;
    std::size_t next = 0;
    for (const methods::AdapterTensor& tensor : adapted().tensors) {
      if (!tensor.trained) continue;
      const at::Tensor& factor = trained[next++];
      if (tensor.name.starts_with(name)) product = product.defined() ? at::matmul(product, factor) : factor;
    }
    return product;
  }
  at::Tensor delta(const Tensors& trained, const nn::Pass&) const override {
    const at::Tensor w_oi = base().weight(at::kFloat), a = part('A', trained), b = part('B', trained);
    return a.defined() ? w_oi * a + b : at::zeros(w_oi.sizes(), w_oi.options());
  }
  /// What is added to the bias.
  at::Tensor shift_o(const Tensors& trained) const {
    const at::Tensor c = part('C', trained), d = part('D', trained), e = part('E', trained);
    at::Tensor shift;
    if (d.defined()) shift = bias_o_ * d + e;
    if (!c.defined()) return shift;
    const at::Tensor of_c = base().forward(c.view({1, -1}), {})[0] - bias_o_;
    return shift.defined() ? shift + of_c : of_c;
  }
  at::Tensor bias_o_;
};

}  // namespace

std::unique_ptr<Adapter> make_glora(nn::CausalLm& model, const methods::Adapter& recipe, at::ScalarType compute,
                                    at::Device device) {
  return adapt_linears(
      model, recipe, compute, device,
      {.wrap = [](Site site) { return std::make_unique<GloraLinear>(std::move(site)); }, .studies = true});
}

}  // namespace pst::peft
