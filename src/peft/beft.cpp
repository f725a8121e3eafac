// SPDX-License-Identifier: Apache-2.0
// BEFT: a learned bias after a frozen layer.
#include <ATen/TensorOperators.h>

#include "peft/adapted_linear.hpp"
#include "peft/linears_adapter.hpp"

namespace pst::peft {
namespace {

/// y = W x + b + learned bias.
class BeftLinear final : public AdaptedLinear {
 public:
  using AdaptedLinear::AdaptedLinear;
  void start(const Rng&) override { master(0).zero_(); }
  at::Tensor weight(at::ScalarType dtype) const override { return base().weight(dtype); }
  at::Tensor apply_transposed(const at::Tensor& dy_no) const override { return base().apply_transposed(dy_no); }

 private:
  at::Tensor run(const at::Tensor& x_ni, const Tensors& trained, const nn::Pass& pass) const override {
    return base().forward(x_ni, pass) + trained[0];
  }
};

}  // namespace

std::unique_ptr<Adapter> make_beft(nn::CausalLm& model, const methods::Adapter& recipe, at::ScalarType compute,
                                   at::Device device) {
  return adapt_linears(model, recipe, compute, device,
                       {.wrap = [](Site site) { return std::make_unique<BeftLinear>(std::move(site)); }});
}

}  // namespace pst::peft
