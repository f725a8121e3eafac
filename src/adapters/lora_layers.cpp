// SPDX-License-Identifier: Apache-2.0
#include "adapters/lora_layers.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "methods/lora.hpp"
#include "methods/method.hpp"
#include "weights/adapter_names.hpp"
#include "weights/dtype.hpp"
#include "weights/finite.hpp"
#include "weights/place.hpp"

namespace pst::adapters {
namespace {

void require_matrix(const weights::Tensor& tensor) {
  if (tensor.shape.size() != 2 || tensor.count() == 0)
    throw Error(Fault::data,
                cat("tensor '", tensor.name, "' is ", weights::shape_text(tensor.shape), ", and no matrix"));
  if (!weights::is_floating(tensor.dtype))
    throw Error(Fault::data,
                cat("tensor '", tensor.name, "' has dtype ", tensor.dtype, "; needed is BF16, F16, F32 or F64"));
  if (const auto bad = weights::first_not_finite(tensor))
    throw Error(Fault::data, cat("value ", *bad, " of tensor '", tensor.name, "' is not a finite number"),
                "take an earlier checkpoint of that training");
}

/// Ranks or alphas by layer, in the order of the file, where PEFT takes the first pattern that fits.
methods::ByPattern<double> pattern_of(const AdapterFolder& folder, const char* key) {
  std::vector<std::pair<std::string, double>> in_file;
  const auto config = json::parse_ordered(folder.config->text(), folder.config->name());
  if (const auto found = config.find(key); found != config.end() && found->is_object())
    for (const auto& [name, value] : found->items()) in_file.emplace_back(name, value.get<double>());
  return {key, in_file};
}

/// The parameter that A and B of a module of experts belong to, by its whole name; empty: it is a layer's module.
/// PEFT wraps the module once for each of them; transformers has gate_up_proj before down_proj.
std::string parameter_of(const std::string& adapter_module, const std::vector<std::string>& targets) {
  constexpr std::string_view kWrapped = ".base_layer";
  std::string module = adapter_module;
  std::size_t inside = 0;
  for (; module.ends_with(kWrapped); ++inside) module.resize(module.size() - kWrapped.size());
  if (!methods::ends_at_a_dot(module, "experts")) return {};
  std::vector<std::string> parameters;
  for (const char* const name : {"down_proj", "gate_up_proj"}) {
    const std::string whole = cat(module, ".", name);
    if (std::any_of(targets.begin(), targets.end(), [&](const auto& t) { return methods::ends_at_a_dot(whole, t); }))
      parameters.push_back(whole);
  }
  return inside < parameters.size() ? parameters[inside] : std::string();
}

/// Adds a layer for each expert. @throws Error(data) when A is not of so many as its rank says
void add_experts(std::vector<LoraLayer>& layers, const LoraLayer& all, const std::string& parameter, std::int64_t r) {
  if (all.a->shape[0] % r != 0)
    throw Error(
        Fault::data,
        cat("tensor '", all.a->name, "' has ", all.a->shape[0], " rows, and the rank of ", parameter, " is ", r),
        "copy the adapter's folder again");
  const std::int64_t experts = all.a->shape[0] / r;
  for (std::int64_t expert = 0; expert < experts; ++expert) {
    LoraLayer& layer = layers.emplace_back(all);
    layer.module = cat(parameter, "[", expert, "]");
    layer.expert = expert;
    layer.experts = experts;
  }
}

/// Element (i, j) of a matrix of `rows` and `width` that has it at place(i, j).
template <class Place>
Columns columns(const weights::Tensor& tensor, std::size_t rows, std::size_t width, const Place& place, bool by_rows) {
  Columns out{by_rows ? width : rows, {by_rows ? rows : width, std::vector<double>(by_rows ? width : rows)}};
  const Dtype dtype = tensor.core_dtype();
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < width; ++j) {
      const double value = weights::value_at(tensor.bytes.data(), dtype, place(i, j));
      (by_rows ? out.of[i][j] : out.of[j][i]) = value;
    }
  return out;
}
std::size_t size(std::int64_t count) { return static_cast<std::size_t>(count); }

}  // namespace

Columns LoraLayer::columns_of_b() const {
  const std::size_t width = size(b->shape[1]);
  return columns(
      *b, size(out()), size(rank()),
      [&](std::size_t i, std::size_t j) { return i * width + j * size(experts) + size(expert); }, false);
}
Columns LoraLayer::columns_of_a() const {
  const std::size_t first = size(expert * rank()), width = size(in());
  return columns(
      *a, size(rank()), width, [&](std::size_t i, std::size_t j) { return (first + i) * width + j; }, true);
}

std::vector<double> LoraLayer::singular_values() const {
  std::vector<double> values = singular_values_of_product(columns_of_b(), columns_of_a());
  for (double& value : values) value *= std::abs(scale);
  return values;
}

std::vector<LoraLayer> lora_layers(const AdapterFolder& folder) {
  const methods::Adapter& adapter = folder.needed();
  if (adapter.method->name != "lora")
    throw Error(Fault::usage, cat(folder.dir.string(), " is of type ", folder.type, ", not LORA"));
  const auto& keys = adapter.as<methods::Lora>();
  const auto ranks = pattern_of(folder, "rank_pattern"), alphas = pattern_of(folder, "alpha_pattern");
  std::vector<LoraLayer> layers;
  for (const weights::Tensor& a : folder.tensors.tensors()) {
    for (const auto& [of_a, of_b] :
         {std::pair{methods::kLoraA, methods::kLoraB}, std::pair{methods::kLoraEmbeddingA, methods::kLoraEmbeddingB}}) {
      const std::string ending = cat(".", of_a);
      if (!a.name.starts_with(weights::kPeftPrefix) || !a.name.ends_with(ending)) continue;
      LoraLayer layer;
      const std::string whole = a.name.substr(0, a.name.size() - ending.size());
      layer.module = whole.substr(std::string_view(weights::kPeftPrefix).size());
      layer.is_embedding = of_a == methods::kLoraEmbeddingA;
      layer.a = &a;
      layer.b = &folder.tensors.get(cat(whole, ".", of_b));
      require_matrix(*layer.a);
      require_matrix(*layer.b);
      if (layer.a->shape[0] != layer.b->shape[1])
        throw Error(Fault::data,
                    cat("tensor '", a.name, "' is ", weights::shape_text(a.shape), " and '", layer.b->name, "' ",
                        weights::shape_text(layer.b->shape), ": they have no product"),
                    "copy the adapter's folder again");
      const std::string parameter = parameter_of(layer.module, adapter.targeting.target_parameters);
      const double rank = parameter.empty() ? static_cast<double>(layer.rank()) : ranks.of(parameter, keys.r);
      layer.scale = alphas.of(parameter.empty() ? layer.module : parameter, keys.alpha) /
                    (keys.use_rslora ? std::sqrt(rank) : rank);
      if (parameter.empty())
        layers.push_back(std::move(layer));
      else
        add_experts(layers, layer, parameter, static_cast<std::int64_t>(rank));
    }
  }
  if (layers.empty())
    throw Error(Fault::data,
                cat(folder.dir.string(), ": no tensor is called ", weights::kPeftPrefix, "... .", methods::kLoraA),
                "PEFT's save_pretrained(DIR) writes such names");
  return layers;
}

std::string beyond_plain_lora(const methods::Adapter& adapter) {
  if (adapter.method->name != "lora") return cat("is of type ", adapter.method->name);
  const auto& keys = adapter.as<methods::Lora>();
  if (keys.use_dora) return "has learned sizes of its outputs (use_dora)";
  if (keys.lora_bias) return "has a bias of B (lora_bias)";
  if (!keys.alora_invocation_tokens.empty()) return "acts behind its invocation alone (alora_invocation_tokens)";
  if (adapter.biases != methods::Biases::none) return "has trained biases of the model (bias)";
  if (!adapter.modules_to_save.empty()) return cat("has modules trained whole (modules_to_save)");
  if (!keys.trainable_token_indices.by_module.empty()) return "has trained rows of tokens (trainable_token_indices)";
  if (!adapter.targeting.target_parameters.empty()) return "has one A and B for all experts (target_parameters)";
  return {};
}

}  // namespace pst::adapters
