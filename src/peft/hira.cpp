// SPDX-License-Identifier: Apache-2.0
// HiRA: the update is the weight times a low-rank matrix, element by element.
#include "methods/hira.hpp"

#include <ATen/TensorOperators.h>

#include "peft/delta_linear.hpp"
#include "peft/fill.hpp"
#include "peft/linears_adapter.hpp"

namespace pst::peft {
namespace {

/// y = W x + (W * (B A)) dropout(x).
class HiraLinear final : public DeltaLinear {
 public:
  HiraLinear(Site given, methods::HiraInit init) : DeltaLinear(std::move(given)), init_(init) {}

  void start(const Rng& rng) override {
    const at::Tensor a_ri = master(0);
    if (init_ == methods::HiraInit::gaussian)
      fill_normal(a_ri, 1.0 / static_cast<double>(a_ri.size(0)), rng.child(0));
    else
      fill_kaiming(a_ri, rng.child(0));
    master(1).zero_();
  }

 private:
  at::Tensor delta(const Tensors& trained, const nn::Pass&) const override {
    return base().weight(at::kFloat) * trained[1].mm(trained[0]);
  }
  double dropout() const override { return adapted().dropout; }
  methods::HiraInit init_;
};

}  // namespace

std::unique_ptr<Adapter> make_hira(nn::CausalLm& model, const methods::Adapter& recipe, at::ScalarType compute,
                                   at::Device device) {
  const methods::HiraInit init = recipe.as<methods::Hira>().init_weights;
  return adapt_linears(model, recipe, compute, device,
                       {.wrap = [=](Site site) { return std::make_unique<HiraLinear>(std::move(site), init); }});
}

}  // namespace pst::peft
