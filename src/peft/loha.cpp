// SPDX-License-Identifier: Apache-2.0
// LoHa: the update is the product by elements of two low-rank matrices.
#include "methods/loha.hpp"

#include <ATen/TensorOperators.h>

#include <cmath>

#include "peft/delta_linear.hpp"
#include "peft/fill.hpp"
#include "peft/linears_adapter.hpp"

namespace pst::peft {
namespace {

/// y = W x + scale * ((a1 b1) * (a2 b2)) x. @see Hyeon-Woo et al. 2022, arXiv:2108.06098, section 2.2
class LohaLinear final : public DeltaLinear {
 public:
  LohaLinear(Site given, const methods::Loha& keys) : DeltaLinear(std::move(given)), keys_(keys) {}

  void start(const Rng& rng) override {
    for (std::size_t i = 0; i < 3; ++i) fill_kaiming(master(i), rng.child(i));
    master(3).zero_();
  }

 private:
  at::Tensor delta(const Tensors& t, const nn::Pass& pass) const override {
    return rows_dropped(t[0].mm(t[1]) * t[2].mm(t[3]) * adapted().scale, keys_.rank_dropout, RowScale::by_mean, pass);
  }
  double module_dropout() const override { return keys_.module_dropout; }
  methods::Loha keys_;
};

}  // namespace

std::unique_ptr<Adapter> make_loha(nn::CausalLm& model, const methods::Adapter& recipe, at::ScalarType compute,
                                   at::Device device) {
  return adapt_linears(model, recipe, compute, device, {.wrap = [keys = recipe.as<methods::Loha>()](Site site) {
                         return std::make_unique<LohaLinear>(std::move(site), keys);
                       }});
}

}  // namespace pst::peft
