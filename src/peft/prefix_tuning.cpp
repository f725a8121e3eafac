// SPDX-License-Identifier: Apache-2.0
// Learned keys and values before every document, in each layer; by themselves, or made by a network.
#include <ATen/TensorOperators.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/tanh.h>

#include "methods/prompts.hpp"
#include "nn/in_use.hpp"
#include "peft/adapter.hpp"
#include "peft/encoder.hpp"
#include "peft/fill.hpp"

// Shape letters: p virtual tokens, w width of a token's keys, l layers; [p, 2 l w] has a layer's keys, then its values.
namespace pst::peft {
namespace {

/// @see Li and Liang 2021, arXiv:2101.00190, section 4
class PrefixTuningAdapter final : public Adapter {
 public:
  PrefixTuningAdapter(nn::CausalLm& model, const methods::Adapter& recipe, at::ScalarType compute, at::Device device)
      : Adapter(recipe), compute_(compute), encoder_(compute), width_(model.key_values().at(0)) {
    const auto& keys = recipe.as<methods::PrefixTuning>();
    const auto tensors = recipe.method->beside(recipe, places_of(model));
    if (keys.prefix_projection) {
      encoder_.declare(tensors, parameters_, unsaved_, device);
      frozen_.push_back({methods::kPromptEmbeddings, encoder_.made()});
    } else {
      all_ = &parameters_.add(tensors.front().name, tensors.front().shape);
    }
    allocate(model, compute, device);
    model.set_virtual_keys(std::make_unique<Keys>(*this, keys.num_virtual_tokens));
  }

 private:
  class Keys final : public nn::VirtualKeys {
   public:
    Keys(const PrefixTuningAdapter& adapter, std::int64_t count) : adapter_(adapter), count_(count) {}
    std::int64_t count() const override { return count_; }
    std::pair<at::Tensor, at::Tensor> of(std::size_t layer) const override {
      const at::Tensor both = adapter_.of_layer(static_cast<std::int64_t>(layer));
      return {both.narrow(1, 0, adapter_.width_).contiguous(),
              both.narrow(1, adapter_.width_, adapter_.width_).contiguous()};
    }

   private:
    const PrefixTuningAdapter& adapter_;
    std::int64_t count_;
  };

  void start(const Rng& rng) override {
    if (all_)
      fill_normal(all_->value, 1, rng.child(methods::kPromptEmbeddings));
    else
      encoder_.start(rng);
  }
  void before_save() const override {
    if (!all_)
      encoder_.make([this] { return projected(encoder_.of("transform.2.weight"), encoder_.of("transform.2.bias")); });
  }
  void loaded() override { encoder_.use_made(); }

  /// Keys and values of a layer side by side, [p, 2 w].
  at::Tensor of_layer(std::int64_t layer) const {
    if (all_) return nn::in_use(*all_).narrow(1, 2 * layer * width_, 2 * width_);
    if (encoder_.uses_made()) return encoder_.made().narrow(1, 2 * layer * width_, 2 * width_).to(compute_);
    // Of the last product only what the layer needs.
    return projected(encoder_.of("transform.2.weight").narrow(0, 2 * layer * width_, 2 * width_),
                     encoder_.of("transform.2.bias").narrow(0, 2 * layer * width_, 2 * width_))
        .to(compute_);
  }
  at::Tensor projected(const at::Tensor& weight, const at::Tensor& bias) const {
    return at::linear(at::tanh(encoder_.linear("transform.0", encoder_.of("embedding.weight"))), weight, bias);
  }

  at::ScalarType compute_;
  Encoder encoder_;
  std::int64_t width_;
  nn::Parameter* all_ = nullptr;  // null: an encoder makes them
};

}  // namespace

std::unique_ptr<Adapter> make_prefix_tuning(nn::CausalLm& model, const methods::Adapter& recipe, at::ScalarType compute,
                                            at::Device device) {
  return std::make_unique<PrefixTuningAdapter>(model, recipe, compute, device);
}

}  // namespace pst::peft
