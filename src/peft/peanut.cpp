// SPDX-License-Identifier: Apache-2.0
// PEANuT: a small network makes the update from the weight.
#include "methods/peanut.hpp"

#include <ATen/TensorOperators.h>

#include <ATen/ops/gelu.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/mish.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/relu6.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/tanh.h>

#include "core/error.hpp"
#include "peft/factor_linear.hpp"
#include "peft/fill.hpp"
#include "peft/linears_adapter.hpp"

// Shape letters: i features in, o features out, r width of the network.
namespace pst::peft {
namespace {

at::Tensor bent(const at::Tensor& x, methods::PeanutAct act) {
  using Act = methods::PeanutAct;
  switch (act) {
    case Act::relu: return at::relu(x);
    case Act::relu2: return at::relu(x).square();
    case Act::relu6: return at::relu6(x);
    case Act::leaky_relu: return at::leaky_relu(x);
    case Act::gelu: return at::gelu(x);
    case Act::gelu_new:
    case Act::gelu_pytorch_tanh: return at::gelu(x, "tanh");
    case Act::quick_gelu: return x * at::sigmoid(1.702 * x);
    case Act::silu:
    case Act::swish: return at::silu(x);
    case Act::mish: return at::mish(x);
    case Act::sigmoid: return at::sigmoid(x);
    case Act::tanh: return at::tanh(x);
    case Act::linear: return x;
  }
  throw Error(Fault::bug, "an activation that has no case");
}

/// y = W x + scale * B h' x, h [in, r] what encoders and decoders make of act(W' A'): the rows of W' go through a
/// network with a sum around each pair of layers, the first encoder's with the last decoder.
/// @see Zhong et al. 2024, arXiv:2410.01870, section 3
class PeanutLinear final : public FactorLinear {
 public:
  PeanutLinear(Site given, methods::PeanutAct act) : FactorLinear(std::move(given)), act_(act) {}

  void start(const Rng& rng) override {
    for (std::size_t i = 0; i < site().trained.size(); ++i)
      if (i == kB)
        master(i).zero_();
      else
        fill_kaiming(master(i), rng.child(i));
  }

 private:
  static constexpr std::size_t kA = 0, kB = 1, kHidden = 2;

  Factors factors(const Tensors& trained, const nn::Pass&) const override {
    const std::size_t depth = (site().trained.size() - kHidden) / 2;
    at::Tensor h_ir = bent(at::matmul(base().weight(trained[kA].scalar_type()).t(), trained[kA].t()), act_);
    Tensors before;
    for (std::size_t i = 0; i < depth; ++i) {
      before.push_back(h_ir);
      h_ir = bent(at::matmul(h_ir, trained[kHidden + i].t()), act_);
    }
    for (std::size_t i = 0; i < depth; ++i)
      h_ir = bent(at::matmul(h_ir, trained[kHidden + depth + i].t()), act_) + before[depth - 1 - i];
    return {h_ir.t(), trained[kB] * adapted().scale};
  }
  methods::PeanutAct act_;
};

}  // namespace

std::unique_ptr<Adapter> make_peanut(nn::CausalLm& model, const methods::Adapter& recipe, at::ScalarType compute,
                                     at::Device device) {
  const methods::PeanutAct act = recipe.as<methods::Peanut>().act_fn;
  return adapt_linears(model, recipe, compute, device,
                       {.wrap = [=](Site site) { return std::make_unique<PeanutLinear>(std::move(site), act); }});
}

}  // namespace pst::peft
