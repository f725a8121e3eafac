// SPDX-License-Identifier: Apache-2.0
#include "peft/linears_adapter.hpp"

#include <ATen/ops/equal.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <string_view>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "methods/method.hpp"
#include "ops/torch_exec.hpp"
#include "ops/wide.hpp"
#include "weights/adapter_names.hpp"
#include "weights/safetensors.hpp"

namespace pst::peft {
namespace {

class LinearsAdapter final : public Adapter {
 public:
  LinearsAdapter(nn::CausalLm& model, const methods::Adapter& recipe, at::ScalarType compute, at::Device device,
                 const Linears& method)
      : Adapter(recipe), model_(model), method_(method) {
    std::vector<nn::LinearSlot> slots = model.linears();
    const std::vector<methods::LinearLayer> layers = places_of(model).linears;
    const std::vector<methods::Adapted> adapted = methods::adapt(recipe, layers);
    std::vector<Site> sites;
    for (const methods::Adapted& of : adapted) {
      Site& site = sites.emplace_back(Site{.base = nullptr, .name = slots[of.layer].name, .adapted = of});
      for (const methods::AdapterTensor& tensor : of.tensors)
        declare(tensor, site.name + "." + tensor.name, compute, device, site.trained, site.frozen);
    }
    if (recipe.method->shared)
      for (const methods::AdapterTensor& tensor : recipe.method->shared(recipe, layers, adapted))
        declare(tensor, tensor.name, compute, device, shared_, shared_frozen_);
    allocate(model, compute, device);
    if (method_.hook) hook_ = method_.hook(parameters_);
    for (Site& site : sites) {
      site.shared = shared_;
      site.shared_frozen = shared_frozen_;
      nn::LinearSlot& slot = slots[site.adapted.layer];
      site.base = std::move(*slot.linear);
      modules_.push_back(site.name);
      places_.push_back(site.adapted.layer);
      auto layer = method_.wrap(std::move(site));
      layers_.push_back(layer.get());
      *slot.linear = std::move(layer);
    }
  }

  void start(const Rng& of_run) override {
    const Rng rng = of_run.child(recipe_.method->name);
    if (method_.start_shared) method_.start_shared(shared_, rng);
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      if (method_.studies) model_.make_readable(places_[i]);
      layers_[i]->start(rng.child(modules_[i]));
    }
  }

 private:
  void declare(const methods::AdapterTensor& tensor, const std::string& name, at::ScalarType compute, at::Device device,
               std::vector<nn::Parameter*>& trained, Tensors& frozen) {
    if (tensor.trained) {
      trained.push_back(&parameters_.add(name, tensor.shape));
      return;
    }
    const at::ScalarType stored = ops::scalar_type(tensor.dtype);
    const at::ScalarType kept = stored == at::kFloat ? ops::wide(compute) : stored;
    frozen.push_back(at::zeros(tensor.shape, at::TensorOptions().dtype(kept).device(device)));
    frozen_.push_back({name, frozen.back(), tensor.saved, tensor.dtype});
  }
  void prepare() override {
    if (is_prepared_) return;
    is_prepared_ = true;
    at::NoGradGuard no_gradients;
    if (method_.project_shared) method_.project_shared(shared_frozen_);
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      if (method_.studies) model_.make_readable(places_[i]);
      layers_[i]->prepare();
    }
  }
  void ready() override {
    at::NoGradGuard no_gradients;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      if (method_.studies) model_.make_readable(places_[i]);
      layers_[i]->loaded();
    }
    parameters_.refresh_compute();
  }

  /// PEFT writes RandLoRA's matrices, which all layers share, with every layer once more.
  bool is_copy_of_base(const weights::Tensor& stored) override {
    for (const Frozen& shared : frozen_) {
      constexpr std::string_view kModel = "base_model.";
      if (!shared.saved || !shared.name.starts_with(kModel)) continue;
      const auto is_of = [&](const std::string& module) {
        return stored.name == weights::adapter_tensor_name(cat(module, ".", shared.name.substr(kModel.size())));
      };
      if (std::none_of(modules_.begin(), modules_.end(), is_of)) continue;
      const at::Tensor copy =
          ops::tensor_over(const_cast<std::byte*>(stored.bytes.data()), stored.shape, stored.core_dtype());
      if (!at::equal(copy.to(shared.values.options()), shared.values))
        throw Error(Fault::data, cat("tensor '", stored.name, "' has other values than '", shared.name, "'"),
                    "copy the adapter's folder again");
      return true;
    }
    return false;
  }

  nn::TrainingHook* hook() override { return hook_.get(); }
  methods::Adapter saved_keys() const override { return hook_ ? method_.saved_keys(recipe_, *hook_) : recipe_; }
  at::Tensor saved_values(const nn::Parameter& tensor) const override {
    return hook_ ? method_.saved_values(tensor, *hook_) : Adapter::saved_values(tensor);
  }

  nn::CausalLm& model_;
  Linears method_;
  std::unique_ptr<nn::TrainingHook> hook_;
  std::vector<AdaptedLinear*> layers_;  // as modules_
  std::vector<std::size_t> places_;     // into the model's linears()
  bool is_prepared_ = false;
  std::vector<nn::Parameter*> shared_;
  Tensors shared_frozen_;
};

}  // namespace

std::unique_ptr<Adapter> adapt_linears(nn::CausalLm& model, const methods::Adapter& recipe, at::ScalarType compute,
                                       at::Device device, const Linears& method) {
  return std::make_unique<LinearsAdapter>(model, recipe, compute, device, method);
}

}  // namespace pst::peft
