// SPDX-License-Identifier: Apache-2.0
// Rows of some tokens, trained.
#include "methods/trainable_tokens.hpp"

#include <ATen/ops/zeros.h>

#include "peft/adapter.hpp"
#include "peft/trained_rows.hpp"

namespace pst::peft {
namespace {

class TrainableTokensAdapter final : public Adapter {
 public:
  TrainableTokensAdapter(nn::CausalLm& model, const methods::Adapter& recipe, at::ScalarType compute, at::Device device)
      : Adapter(recipe) {
    const methods::Places places = places_of(model);
    const methods::TrainedRows rows = methods::trained_rows(recipe, places);
    for (const methods::AdapterTensor& tensor : recipe.method->beside(recipe, places)) {
      if (tensor.trained)
        rows_ = &parameters_.add(tensor.name, tensor.shape);
      else
        frozen_.push_back({tensor.name, at::zeros(tensor.shape, at::TensorOptions().device(device))});
    }
    modules_ = {rows.module};
    allocate(model, compute, device);
    start_ = train_rows(model, rows, *rows_);
  }

 private:
  void start(const Rng&) override { start_(); }
  void before_save() const override {
    for (const Frozen& copy : frozen_) copy.values.copy_(rows_->value.detach());
  }

  nn::Parameter* rows_ = nullptr;
  std::function<void()> start_;
};

}  // namespace

std::unique_ptr<Adapter> make_trainable_tokens(nn::CausalLm& model, const methods::Adapter& recipe,
                                               at::ScalarType compute, at::Device device) {
  return std::make_unique<TrainableTokensAdapter>(model, recipe, compute, device);
}

}  // namespace pst::peft
