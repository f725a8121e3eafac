// SPDX-License-Identifier: Apache-2.0
// RoAd: pairs of outputs of frozen layers, turned and scaled.
#include "methods/road.hpp"

#include <ATen/TensorOperators.h>

#include <ATen/ops/cat.h>

#include "peft/linears_adapter.hpp"
#include "peft/output_linear.hpp"

// Shape letters: n rows (tokens), o features out, g pairs in half a group.
namespace pst::peft {
namespace {

/// y1 = a1 cos(t1) u1 - c1 sin(s1) u2, y2 = a2 cos(t2) u2 + c2 sin(s2) u1, u1 and u2 the halves of a group of W x + b;
/// which of the angles and scales are one and the same is what the variants differ in. @see arXiv:2409.00119, equation
/// 4
class RoadLinear final : public OutputLinear {
 public:
  RoadLinear(Site given, const methods::Road& keys) : OutputLinear(std::move(given)), keys_(keys) {}

  void start(const Rng&) override {
    master(0).zero_();
    master(1).fill_(1);
  }

 private:
  using Variant = methods::RoadVariant;

  at::Tensor changed(const at::Tensor& u_no, const Tensors& trained) const override {
    const std::int64_t g = keys_.group_size / 2;
    // [groups, which of cos and sin, which half, g], where what is shared has one place
    const std::int64_t functions = keys_.variant == Variant::road_4 ? 2 : 1,
                       halves = keys_.variant == Variant::road_1 ? 1 : 2;
    const at::Tensor theta = trained[0].view({-1, functions, halves, g}), alpha = trained[1].view(theta.sizes());
    const at::ScalarType dtype = u_no.scalar_type();
    const at::Tensor straight = (alpha.select(1, 0) * theta.select(1, 0).cos()).to(dtype);
    const at::Tensor across = (alpha.select(1, functions - 1) * theta.select(1, functions - 1).sin()).to(dtype);
    const at::Tensor u = u_no.view({u_no.size(0), -1, 2, g}), u1 = u.narrow(2, 0, 1), u2 = u.narrow(2, 1, 1);
    return (u * straight + at::cat({-u2, u1}, 2) * across).view(u_no.sizes());
  }
  methods::Road keys_;
};

}  // namespace

std::unique_ptr<Adapter> make_road(nn::CausalLm& model, const methods::Adapter& recipe, at::ScalarType compute,
                                   at::Device device) {
  return adapt_linears(model, recipe, compute, device, {.wrap = [keys = recipe.as<methods::Road>()](Site site) {
                         return std::make_unique<RoadLinear>(std::move(site), keys);
                       }});
}

}  // namespace pst::peft
