// SPDX-License-Identifier: Apache-2.0
#include "methods/glora.hpp"

#include <algorithm>

#include "config/fields.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "methods/method.hpp"

namespace pst::methods {

std::vector<std::pair<const char*, GloraMatrix>> words_of(GloraMatrix) {
  return {{"lora", GloraMatrix::lora},
          {"vector", GloraMatrix::vector},
          {"constant", GloraMatrix::constant},
          {"none", GloraMatrix::none}};
}
std::vector<std::pair<const char*, GloraPrompt>> words_of(GloraPrompt) {
  return {{"lora", GloraPrompt::lora}, {"vector", GloraPrompt::vector}, {"none", GloraPrompt::none}};
}
std::vector<std::pair<const char*, GloraBias>> words_of(GloraBias) {
  return {{"vector", GloraBias::vector}, {"constant", GloraBias::constant}, {"none", GloraBias::none}};
}

namespace {

void bind_section(config::Fields& field, Adapter& adapter) {
  Glora& s = adapter.as<Glora>();
  field("r", &s.r, config::at_least(1), "Rank of what is `lora`.");
  bind_target_modules(field, adapter.targeting);
  field("config_A_B", &s.config_A_B,
        "The weight becomes W + W * A + B, with A and B of low rank, a value an output, one value, or none.");
  field("config_C", &s.config_C,
        "Of layers with biases, which become b + b * D + E + W C: C of low rank or a value an input.");
  field("config_D_E", &s.config_D_E, "D and E: a value an output, or one value.");
}

std::vector<AdapterTensor> matrix(GloraMatrix form, const std::string& name, std::int64_t r, const LinearLayer& layer) {
  switch (form) {
    case GloraMatrix::lora: return {{name + ".Xd", {layer.out, r}}, {name + ".Xu", {r, layer.in}}};
    case GloraMatrix::vector: return {{name + ".X", {layer.out, 1}}};
    case GloraMatrix::constant: return {{name + ".X", {1}}};
    case GloraMatrix::none: break;
  }
  return {{.name = name + ".zeros", .shape = {layer.out, layer.in}, .trained = false}};
}

std::vector<AdapterTensor> prompt(GloraPrompt form, std::int64_t r, const LinearLayer& layer) {
  if (layer.bias && form == GloraPrompt::lora) return {{"glora_C.Xd", {layer.in, r}}, {"glora_C.Xu", {r, 1}}};
  if (layer.bias && form == GloraPrompt::vector) return {{"glora_C.X", {layer.in, 1}}};
  return {{.name = "glora_C.zeros", .shape = {layer.in, 1}, .trained = false}};
}

std::vector<AdapterTensor> bias(GloraBias form, const std::string& name, const LinearLayer& layer) {
  if (layer.bias && form == GloraBias::vector) return {{name + ".X", {layer.out}}};
  if (layer.bias && form == GloraBias::constant) return {{name + ".X", {1}}};
  return {{.name = name + ".zeros", .shape = {layer.out}, .trained = false}};
}

/// PEFT saves zeros for what a layer does not have.
std::vector<Adapted> adapt_layers(const Adapter& adapter, const std::vector<LinearLayer>& layers) {
  const Glora& s = adapter.as<Glora>();
  std::vector<Adapted> adapted;
  for (const std::size_t index : select_layers(adapter.targeting, layers)) {
    const LinearLayer& layer = layers[index];
    Adapted of{.layer = index, .tensors = {}, .made = 3 * layer.out * layer.in};
    const auto add = [&](const std::vector<AdapterTensor>& tensors) {
      of.tensors.insert(of.tensors.end(), tensors.begin(), tensors.end());
    };
    add(matrix(s.config_A_B, "glora_A", s.r, layer));
    add(matrix(s.config_A_B, "glora_B", s.r, layer));
    add(prompt(s.config_C, s.r, layer));
    add(bias(s.config_D_E, "glora_D", layer));
    add(bias(s.config_D_E, "glora_E", layer));
    if (std::none_of(of.tensors.begin(), of.tensors.end(), [](const AdapterTensor& tensor) { return tensor.trained; }))
      throw Error(Fault::usage,
                  cat("adapter.config_A_B is none, and nothing else of ", layer.name, " is trained",
                      layer.bias ? "" : ", which has no bias"),
                  "write config_A_B: lora, vector or constant");
    adapted.push_back(std::move(of));
  }
  return adapted;
}

}  // namespace

extern const Method kGlora;
const Method kGlora{.name = "glora",
                    .help = "The weight times a learned matrix, and one added (Chavan et al. 2023, arXiv:2306.07967).",
                    .defaults = [](Adapter& s) { s.own = Glora{}; },
                    .bind = &bind_section,
                    .adapt = &adapt_layers,
                    .fixed = R"({"bias": "none", "init_weights": true, "modules_to_save": null})"};

}  // namespace pst::methods
