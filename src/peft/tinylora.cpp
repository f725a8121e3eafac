// SPDX-License-Identifier: Apache-2.0
// TinyLoRA: few values mix random matrices between the weight's singular directions.
#include "methods/tinylora.hpp"

#include <ATen/TensorOperators.h>

#include <ATen/ops/empty.h>
#include <ATen/ops/matmul.h>

#include <cmath>
#include <map>

#include "methods/module_order.hpp"
#include "peft/factor_linear.hpp"
#include "peft/fill.hpp"
#include "peft/linears_adapter.hpp"
#include "peft/singular.hpp"
#include "peft/torch_random.hpp"

// Shape letters: i features in, o features out, r singular directions, u trained values.
namespace pst::peft {
namespace {

/// y = W x + B (sum over u of v_u P_u) A dropout(x), with B A the r largest parts of W's singular value decomposition,
/// whose roots both have. A, B and the random P are frozen; layers may share v. @see arXiv:2602.04118
class TinyloraLinear final : public FactorLinear {
 public:
  TinyloraLinear(Site given, std::uint64_t seed) : FactorLinear(std::move(given)), seed_(seed) {}

  void prepare() override {
    const auto [u_or, s_r, v_ri] = largest_singular(base().weight(at::kFloat), adapted().rank);
    a_ri().copy_(s_r.sqrt().unsqueeze(1) * v_ri);
    b_or().copy_(u_or * s_r.sqrt());
    at::Generator numbers = torch_generator(seed_);
    p_urr().copy_(
        at::empty(p_urr().sizes(), at::kFloat).normal_(0, 1 / std::sqrt(static_cast<double>(adapted().rank)), numbers));
  }
  void start(const Rng&) override {}

 private:
  const at::Tensor& a_ri() const { return site().frozen[0]; }
  const at::Tensor& b_or() const { return site().frozen[1]; }
  const at::Tensor& p_urr() const { return site().frozen[2]; }

  Factors factors(const Tensors& trained, const nn::Pass&) const override {
    const std::int64_t r = adapted().rank;
    const at::Tensor r_rr = at::matmul(trained[0].unsqueeze(0), p_urr().flatten(1)).view({r, r});
    return {a_ri(), at::matmul(b_or(), r_rr)};
  }
  std::uint64_t seed_;
};

}  // namespace

std::unique_ptr<Adapter> make_tinylora(nn::CausalLm& model, const methods::Adapter& recipe, at::ScalarType compute,
                                       at::Device device) {
  const auto keys = recipe.as<methods::Tinylora>();
  const std::vector<methods::LinearLayer> layers = places_of(model).linears;
  const std::vector<methods::Adapted> adapted = methods::adapt(recipe, layers);
  std::map<std::size_t, std::size_t> places;  // of a layer, in the order of the modules
  for (const std::size_t i : methods::in_module_order(layers, adapted)) places.emplace(adapted[i].layer, places.size());
  const auto start = [keys](const std::vector<nn::Parameter*>& trained, const Rng& rng) {
    for (std::size_t i = 0; i < trained.size(); ++i)
      if (keys.init_weights == methods::TinyloraInit::uniform)
        fill_uniform(trained[i]->value, keys.init_v_bound, rng.child("v").child(i));
      else
        trained[i]->value.zero_();
  };
  const auto wrap = [=](Site site) {
    const std::size_t place = places.at(site.adapted.layer);
    site.shared = {site.shared.at(methods::group_of(keys, place, places.size()))};
    return std::make_unique<TinyloraLinear>(std::move(site), static_cast<std::uint64_t>(keys.projection_seed) + place);
  };
  return adapt_linears(model, recipe, compute, device, {.wrap = wrap, .start_shared = start, .studies = true});
}

}  // namespace pst::peft
