// SPDX-License-Identifier: Apache-2.0
#include "peft/adapter.hpp"

#include <ATen/ops/empty.h>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "methods/peft_config.hpp"
#include "methods/start.hpp"
#include "ops/torch_exec.hpp"
#include "weights/adapter_names.hpp"
#include "weights/safetensors.hpp"

namespace pst::peft {
namespace {

/// As a safetensors file spells it.
const char* stored_name(Dtype dtype) { return dtype == Dtype::i32 ? "I32" : dtype == Dtype::i64 ? "I64" : "F32"; }

}  // namespace

void Adapter::load(const std::filesystem::path& folder) {
  at::NoGradGuard no_gradients;
  doing(cat("loading the adapter ", folder.string()), [&] {
    methods::require_start(methods::read_peft_config(folder), recipe_);
    const auto store = weights::TensorStore::open(folder / "adapter_model.safetensors");
    prepare();
    if (biases_) biases_->prepare();
    std::size_t tensors = 0;
    const auto take = [&](const std::string& name, const at::Tensor& into, Dtype dtype) {
      const weights::Tensor& stored = store.get(weights::adapter_tensor_name(name));
      if (stored.shape != into.sizes().vec())
        throw Error(Fault::data,
                    cat("tensor '", stored.name, "' has another shape than this recipe's adapter has there"),
                    "use the adapter section that the adapter was trained with");
      if (dtype != Dtype::f32 && stored.core_dtype() != dtype)
        throw Error(Fault::data,
                    cat("tensor '", stored.name, "' has dtype ", stored.dtype, "; needed is ", name_of(dtype)),
                    "copy the adapter's folder again");
      into.copy_(ops::tensor_over(const_cast<std::byte*>(stored.bytes.data()), stored.shape, stored.core_dtype()));
      ++tensors;
    };
    for (auto& parameter : parameters_.all())
      if (!unsaved_.contains(parameter.name)) take(parameter.name, parameter.value, Dtype::f32);
    for (const Folded& matrix : folded_) {
      const at::Tensor whole_oi = at::empty(matrix.shape, at::kFloat);
      take(matrix.name, whole_oi, Dtype::f32);
      matrix.take(whole_oi);
    }
    for (const Frozen& tensor : frozen_)
      if (tensor.saved) take(tensor.name, tensor.values, tensor.dtype);
    for (const weights::Tensor& stored : store.tensors())
      if (is_copy_of_base(stored)) ++tensors;
    if (store.tensors().size() != tensors)
      throw Error(Fault::data,
                  cat("the file has ", store.tensors().size(), " tensors, and the recipe's adapter ", tensors),
                  "use the adapter.target_modules that the adapter was trained with");
  });
  loaded();
  ready();
}

std::string Adapter::config_json(const std::string& base_model) const {
  return methods::peft_config_text(recipe_, modules_, base_model);
}

void Adapter::save(const std::filesystem::path& folder, const std::string& base_model,
                   const std::map<std::string, std::string>& metadata) const {
  doing(cat("writing the adapter ", folder.string()), [&] {
    const fs::path part = folder.string() + ".part";
    std::error_code ignored;
    fs::remove_all(part, ignored);
    make_directories(part);
    write_durably(part / "adapter_config.json", methods::peft_config_text(saved_keys(), modules_, base_model));

    std::vector<weights::NewTensor> tensors;
    std::vector<at::Tensor> here;  // of a GPU: copies, which live until they are written
    const auto put = [&](const std::string& name, const at::Tensor& values, Dtype dtype) {
      here.push_back(values.detach().to(at::kCPU, ops::scalar_type(dtype)).contiguous());
      const View view = ops::view_of(here.back());
      tensors.push_back({weights::adapter_tensor_name(name),
                         stored_name(dtype),
                         values.sizes().vec(),
                         {static_cast<const std::byte*>(view.data), view.bytes()}});
    };
    before_save();
    for (const auto& parameter : parameters_.all())
      if (!unsaved_.contains(parameter.name)) put(parameter.name, saved_values(parameter), Dtype::f32);
    for (const Folded& matrix : folded_) put(matrix.name, matrix.whole(), Dtype::f32);
    for (const Frozen& tensor : frozen_)
      if (tensor.saved) put(tensor.name, tensor.values, tensor.dtype);
    weights::save_tensors(part / "adapter_model.safetensors", tensors, metadata);
    fs::remove_all(folder, ignored);
    rename_durably(part, folder);
  });
}

std::vector<methods::LinearLayer> linear_layers(const std::vector<nn::LinearSlot>& slots) {
  std::vector<methods::LinearLayer> layers;
  for (const nn::LinearSlot& slot : slots)
    layers.push_back({.name = slot.name,
                      .out = (*slot.linear)->out_features(),
                      .in = (*slot.linear)->in_features(),
                      .is_head = slot.is_output_head,
                      .is_default = slot.is_default,
                      .is_expert = slot.is_expert,
                      .bias = slot.bias,
                      .stack = slot.stack});
  return layers;
}

methods::Places places_of(nn::CausalLm& model) {
  methods::Places places = linear_layers(model.linears());
  for (const nn::NormSlot& slot : model.norms())
    places.norms.push_back({slot.name, slot.norm->weight.size(-1), slot.norm->bias.defined()});
  const nn::EmbeddingSlot embedding = model.embedding();
  places.embedding = embedding.name;
  places.vocabulary = embedding.vocabulary;
  places.embedding_width = embedding.width;
  places.hidden = model.hidden();
  places.tied_head = embedding.is_head;
  places.linears.push_back(
      {.name = places.embedding, .out = places.embedding_width, .in = places.vocabulary, .is_embedding = true});
  places.key_values = model.key_values();
  return places;
}

void Adapter::initialise(std::uint64_t seed) {
  at::NoGradGuard no_gradients;
  prepare();
  start(Rng(seed));
  if (saved_modules_) saved_modules_->start();
  if (biases_) {
    biases_->prepare();
    biases_->start();
  }
  ready();
}

void Adapter::allocate(nn::CausalLm& model, at::ScalarType compute, at::Device device) {
  if (!recipe_.modules_to_save.empty()) {
    const methods::Places places = places_of(model);
    saved_modules_.emplace(
        model, methods::saved_modules(recipe_.modules_to_save, places, methods::adapt(recipe_, places.linears)),
        parameters_);
  }
  if (recipe_.biases != methods::Biases::none) {
    const methods::Places places = places_of(model);
    biases_.emplace(model, methods::trained_biases(recipe_, places, methods::adapt(recipe_, places.linears)),
                    parameters_);
  }
  parameters_.allocate(compute, device);
  if (saved_modules_) saved_modules_->attach();
}

}  // namespace pst::peft
