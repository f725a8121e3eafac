// SPDX-License-Identifier: Apache-2.0
// The values of norms, trained.
#include "methods/norms.hpp"
#include "peft/adapter.hpp"

namespace pst::peft {
namespace {

class LnTuningAdapter final : public Adapter {
 public:
  LnTuningAdapter(nn::CausalLm& model, const methods::Adapter& recipe, at::ScalarType compute, at::Device device)
      : Adapter(recipe) {
    const auto slots = model.norms();
    const methods::Places places = places_of(model);
    for (const std::size_t index : methods::trained_norms(recipe, places)) {
      const nn::NormSlot& slot = slots[index];
      const std::int64_t width = places.norms[index].width;
      Norm& norm = norms_.emplace_back(Norm{slot, &parameters_.add(slot.name + ".ln_tuning_layers.weight", {width})});
      if (places.norms[index].bias) norm.bias = &parameters_.add(slot.name + ".ln_tuning_layers.bias", {width});
      modules_.push_back(slot.name);
    }
    allocate(model, compute, device);
    for (const Norm& norm : norms_) train_norm(*norm.slot.norm, norm.slot.offset, *norm.weight, norm.bias);
  }

 private:
  struct Norm {
    nn::NormSlot slot;
    nn::Parameter* weight;
    nn::Parameter* bias = nullptr;
  };
  void start(const Rng&) override {
    for (const Norm& norm : norms_) start_norm(*norm.slot.norm, norm.slot.offset, *norm.weight, norm.bias);
  }

  std::vector<Norm> norms_;
};

}  // namespace

std::unique_ptr<Adapter> make_ln_tuning(nn::CausalLm& model, const methods::Adapter& recipe, at::ScalarType compute,
                                        at::Device device) {
  return std::make_unique<LnTuningAdapter>(model, recipe, compute, device);
}

}  // namespace pst::peft
