// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <span>

#include "methods/lora.hpp"
#include "methods/method.hpp"
#include "peft/adapter.hpp"
#include "peft/fill.hpp"
#include "peft/lora_linear.hpp"

namespace pst::peft {
namespace {

class LoraAdapter final : public Adapter {
 public:
  LoraAdapter(nn::CausalLm& model, const methods::Adapter& recipe, at::ScalarType compute, at::Device device)
      : Adapter(recipe) {
    std::vector<nn::LinearSlot> slots = model.linears();
    const std::vector<methods::Adapted> chosen = methods::adapt(recipe, linear_layers(slots));
    // The A's of layers that read the same x lie side by side, so that they can be one factor (lora_forward.hpp).
    for (auto first = chosen.begin(); first != chosen.end();) {
      const auto end = std::find_if(first + 1, chosen.end(), [&](const methods::Adapted& other) {
        return slots[other.layer].input < 0 || slots[other.layer].input != slots[first->layer].input;
      });
      wrap(slots, {first, end});
      first = end;
    }
    allocate(model, compute, device);
  }

  void start(const Rng& of_run) override {
    const Rng rng = of_run.child("lora_A");
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const LoraLinear& layer = *layers_[i];
      const Rng own = rng.child(modules_[i]);
      switch (recipe_.as<methods::Lora>().init_lora_weights) {
        // He et al. 2015 with a = sqrt(5), as PyTorch initialises linear layers: the bound is 1 / sqrt(in).
        case methods::LoraInit::kaiming:
          fill_uniform(layer.a().value, 1 / std::sqrt(static_cast<double>(layer.in_features())), own);
          break;
        case methods::LoraInit::gaussian:
          fill_normal(layer.a().value, 1.0 / static_cast<double>(layer.options().r), own);
          break;
      }
      layer.b().value.zero_();
    }
  }

 private:
  /// Puts LoRA around layers that read one x, in their order.
  void wrap(std::vector<nn::LinearSlot>& slots, std::span<const methods::Adapted> chosen) {
    const auto declare = [&](const methods::Adapted& of, std::size_t tensor) {
      const methods::AdapterTensor& declared = of.tensors.at(tensor);
      return &parameters_.add(slots[of.layer].name + "." + declared.name, declared.shape);
    };
    std::vector<nn::Parameter*> a, b;
    for (const auto& of : chosen) a.push_back(declare(of, 0));
    for (const auto& of : chosen) b.push_back(declare(of, 1));
    const auto group = std::make_shared<LoraGroup>();
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      const methods::Adapted& of = chosen[i];
      nn::LinearSlot& slot = slots[of.layer];
      auto layer = std::make_unique<LoraLinear>(std::move(*slot.linear), slot.name,
                                                LoraOptions{.r = of.rank, .scale = of.scale, .dropout = of.dropout},
                                                of.layer, *a[i], *b[i]);
      layer->join(group);
      layers_.push_back(layer.get());
      modules_.push_back(slot.name);
      *slot.linear = std::move(layer);
    }
  }

  std::vector<LoraLinear*> layers_;  // as modules_
};

}  // namespace

std::unique_ptr<Adapter> make_lora(nn::CausalLm& model, const methods::Adapter& recipe, at::ScalarType compute,
                                   at::Device device) {
  return std::make_unique<LoraAdapter>(model, recipe, compute, device);
}

std::unique_ptr<nn::Linear> low_rank_layer(std::unique_ptr<nn::Linear> base, const std::string& name, std::int64_t r,
                                           std::uint64_t stream, nn::ParameterSet& parameters) {
  return std::make_unique<LoraLinear>(std::move(base), name, LoraOptions{.r = r, .scale = 2}, stream, parameters);
}

}  // namespace pst::peft
