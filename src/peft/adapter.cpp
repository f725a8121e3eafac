// SPDX-License-Identifier: Apache-2.0
#include "peft/lora_adapter.hpp"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <span>

#include "core/digest.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "ops/exec.hpp"
#include "peft/adapter_config.hpp"
#include "weights/safetensors.hpp"

namespace pst::peft {
namespace {

constexpr const char* kPrefix = "base_model.model.";  // PEFT wraps a model twice; its keys say so

/// Fills on the CPU, wherever `values` are: the same bits on every device.
template <class Fill>
void filled(const at::Tensor& values, const Fill& fill) {
  const at::Tensor here = at::empty(values.sizes(), at::kFloat);
  fill(ops::view_of(here).as<float>());
  values.copy_(here);
}

void fill_uniform(const at::Tensor& values, double bound, const Rng& rng) {
  filled(values, [&](std::span<float> out) {
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = static_cast<float>((2.0 * static_cast<double>(rng.uniform(i)) - 1) * bound);
  });
}

/// Box-Muller over the words of the stream.
void fill_normal(const at::Tensor& values, double deviation, const Rng& rng) {
  filled(values, [&](std::span<float> out) {
    for (std::size_t i = 0; i < out.size(); ++i) {
      const double u = 1 - static_cast<double>(rng.uniform(2 * i)), v = static_cast<double>(rng.uniform(2 * i + 1));
      out[i] = static_cast<float>(deviation * std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v));
    }
  });
}

}  // namespace

LoraAdapter::LoraAdapter(nn::CausalLm& model, const recipe::Adapter& recipe, at::ScalarType compute, at::Device device)
    : recipe_(recipe) {
  std::vector<nn::LinearSlot> slots = model.linears();
  std::vector<recipe::LayerName> names;
  for (const auto& slot : slots) names.push_back({slot.name, slot.is_output_head});
  const std::vector<recipe::AdaptedLayer> chosen = recipe::select_layers(recipe, names);
  // The A's of layers that read the same x lie side by side, so that they can be one factor (lora_forward.hpp).
  for (auto first = chosen.begin(); first != chosen.end();) {
    const auto end = std::find_if(first + 1, chosen.end(), [&](const recipe::AdaptedLayer& layer) {
      return slots[layer.index].input < 0 || slots[layer.index].input != slots[first->index].input;
    });
    wrap(slots, {first, end});
    first = end;
  }
  parameters_.allocate(compute, device);
}

void LoraAdapter::wrap(std::vector<nn::LinearSlot>& slots, std::span<const recipe::AdaptedLayer> chosen) {
  std::vector<nn::Parameter*> a, b;
  for (const auto& [index, r, alpha] : chosen) {
    const nn::Linear& base = **slots[index].linear;
    if (const auto smaller = std::min(base.in_features(), base.out_features()); r > smaller)
      throw Error(Fault::usage, cat("rank ", r, " exceeds the smaller side of ", slots[index].name, ", ", smaller),
                  "lower adapter.r, or give this layer its own with adapter.rank_pattern");
    a.push_back(&LoraLinear::declare_a(base, slots[index].name, r, parameters_));
  }
  for (const auto& [index, r, alpha] : chosen)
    b.push_back(&LoraLinear::declare_b(**slots[index].linear, slots[index].name, r, parameters_));
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    const auto& [index, r, alpha] = chosen[i];
    nn::LinearSlot& slot = slots[index];
    const double divisor = recipe_.use_rslora ? std::sqrt(static_cast<double>(r)) : static_cast<double>(r);
    auto layer = std::make_unique<LoraLinear>(std::move(*slot.linear), slot.name,
                                              LoraOptions{.r = r, .scale = alpha / divisor, .dropout = recipe_.dropout},
                                              index, *a[i], *b[i]);
    modules_.push_back({slot.name, layer.get(), r, alpha});
    *slot.linear = std::move(layer);
  }
}

void LoraAdapter::initialise(std::uint64_t seed) {
  at::NoGradGuard no_gradients;
  const Rng rng = Rng(seed).child("lora_A");
  for (std::size_t i = 0; i < modules_.size(); ++i) {
    const auto& [name, layer, r, alpha] = modules_[i];
    const Rng own = rng.child(name);
    switch (recipe_.init_lora_weights) {
      // He et al. 2015 with a = sqrt(5), as PyTorch initialises linear layers: the bound is 1 / sqrt(in).
      case recipe::LoraInit::kaiming:
        fill_uniform(layer->a().value, 1 / std::sqrt(static_cast<double>(layer->in_features())), own);
        break;
      case recipe::LoraInit::gaussian: fill_normal(layer->a().value, 1.0 / r, own); break;
    }
    layer->b().value.zero_();
  }
  parameters_.refresh_compute();
}

void LoraAdapter::load(const std::filesystem::path& folder) {
  at::NoGradGuard no_gradients;
  doing(cat("loading the adapter ", folder.string()), [&] {
    check_same_shape_of_adapter(read_adapter_config(folder), recipe_);
    const auto store = weights::TensorStore::open(folder / "adapter_model.safetensors");
    for (auto& parameter : parameters_.all()) {
      const weights::Tensor& stored = store.get(kPrefix + parameter.name);
      if (stored.shape != parameter.shape)
        throw Error(Fault::data,
                    cat("tensor '", stored.name, "' has another shape than this recipe's adapter has there"),
                    "use the adapter.r and rank_pattern that the adapter was trained with");
      parameter.value.copy_(
          ops::tensor_over(const_cast<std::byte*>(stored.bytes.data()), stored.shape, stored.core_dtype()));
    }
    if (store.tensors().size() != parameters_.all().size())
      throw Error(
          Fault::data,
          cat("the file has ", store.tensors().size(), " tensors, and the recipe's adapter ", parameters_.all().size()),
          "use the adapter.target_modules that the adapter was trained with");
  });
  parameters_.refresh_compute();
}

std::string LoraAdapter::config_json(const std::string& base_model) const {
  std::vector<AdaptedModule> described;
  for (const auto& module : modules_) described.push_back({module.name, module.r, module.alpha});
  return adapter_config_json(recipe_, described, base_model);
}

void LoraAdapter::save(const std::filesystem::path& folder, const std::string& base_model) const {
  doing(cat("writing the adapter ", folder.string()), [&] {
    const fs::path part = folder.string() + ".part";
    std::error_code ignored;
    fs::remove_all(part, ignored);
    make_directories(part);
    write_durably(part / "adapter_config.json", config_json(base_model));

    std::vector<weights::NewTensor> tensors;
    std::vector<at::Tensor> here;  // of a GPU: copies, which live until they are written
    for (const auto& parameter : parameters_.all()) {
      here.push_back(parameter.value.detach().cpu());
      tensors.push_back(
          {kPrefix + parameter.name, "F32", parameter.shape, std::as_bytes(ops::view_of(here.back()).as<float>())});
    }
    weights::save_tensors(part / "adapter_model.safetensors", tensors);
    fs::remove_all(folder, ignored);
    rename_durably(part, folder);
  });
}

}  // namespace pst::peft
