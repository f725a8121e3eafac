// SPDX-License-Identifier: Apache-2.0
// AdaLoRA: low-rank updates whose directions have sizes of their own, and go when they matter little.
#include "methods/adalora.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/tensor.h>

#include "core/strings.hpp"
#include "peft/factor_linear.hpp"
#include "peft/fill.hpp"
#include "peft/linears_adapter.hpp"
#include "peft/rank_allocator.hpp"

namespace pst::peft {
namespace {

constexpr std::string_view kA = ".lora_A", kB = ".lora_B", kE = ".lora_E";

/// y = W x + scale * B (e * (A dropout(x))). @see Zhang et al. 2023, arXiv:2303.10512, section 3.1
class AdaloraLinear final : public FactorLinear {
 public:
  using FactorLinear::FactorLinear;

  void start(const Rng& rng) override {
    fill_normal(master(0), 0.02, rng.child(0));
    fill_normal(master(1), 0.02, rng.child(1));
    master(2).zero_();
  }

 private:
  Factors factors(const Tensors& t, const nn::Pass&) const override {
    return {t[0], t[1] * t[2].t() * adapted().scale};
  }
};

std::string layer_of(const std::string& tensor) { return tensor.substr(0, tensor.size() - kE.size()); }

std::vector<RankAllocator::Layer> layers_of(const nn::ParameterSet& parameters) {
  std::vector<RankAllocator::Layer> layers;
  for (const nn::Parameter& parameter : parameters.all()) {
    if (parameter.name.ends_with(kA)) layers.push_back({.a_ri = &parameter, .b_or = nullptr, .e_r1 = nullptr});
    if (parameter.name.ends_with(kB)) layers.back().b_or = &parameter;
    if (parameter.name.ends_with(kE)) layers.back().e_r1 = &parameter;
  }
  return layers;
}

/// Which directions of the layer of a tensor are left; empty: all.
std::vector<bool> kept_of(const std::string& name, const RankAllocator& allocator,
                          const std::vector<std::string>& names) {
  const auto kept = allocator.kept();
  const std::string layer = layer_of(name);
  for (std::size_t i = 0; i < kept.size(); ++i)
    if (names[i] == layer) return kept[i];
  return {};
}

}  // namespace

std::unique_ptr<Adapter> make_adalora(nn::CausalLm& model, const methods::Adapter& recipe, at::ScalarType compute,
                                      at::Device device) {
  const auto keys = recipe.as<methods::Adalora>();
  const auto names = std::make_shared<std::vector<std::string>>();  // of the layers
  const auto allocator = [](const nn::TrainingHook& hook) -> const RankAllocator& {
    return static_cast<const RankAllocator&>(hook);
  };
  Linears method{.wrap = [](Site site) { return std::make_unique<AdaloraLinear>(std::move(site)); }};
  if (keys.rank_pattern.empty()) {  // one that has lost directions is not trained on
    method.hook = [=](nn::ParameterSet& parameters) {
      const auto layers = layers_of(parameters);
      for (const auto& layer : layers) names->push_back(layer_of(layer.e_r1->name));
      return std::make_unique<RankAllocator>(keys, layers, parameters);
    };
    method.saved_keys = [=](const methods::Adapter& of, const nn::TrainingHook& hook) {
      methods::Adapter saved = of;
      if (allocator(hook).total() > 0) saved.as<methods::Adalora>().total_step = allocator(hook).total();
      const auto kept = allocator(hook).kept();
      for (std::size_t i = 0; i < kept.size(); ++i)
        saved.as<methods::Adalora>().rank_pattern[cat((*names)[i], kE)] = kept[i];
      return saved;
    };
    method.saved_values = [=](const nn::Parameter& tensor, const nn::TrainingHook& hook) {
      const std::vector<bool> kept = kept_of(tensor.name, allocator(hook), *names);
      if (kept.empty()) return tensor.value.detach();
      std::vector<std::int64_t> rows;
      for (std::size_t i = 0; i < kept.size(); ++i)
        if (kept[i]) rows.push_back(static_cast<std::int64_t>(i));
      return at::index_select(tensor.value.detach(), tensor.name.ends_with(kB) ? 1 : 0,
                              at::tensor(rows, at::kLong).to(tensor.value.device()));
    };
  }
  return adapt_linears(model, recipe, compute, device, method);
}

}  // namespace pst::peft
