// SPDX-License-Identifier: Apache-2.0
#include "methods/peanut.hpp"

#include "config/fields.hpp"
#include "core/strings.hpp"
#include "methods/method.hpp"

namespace pst::methods {

std::vector<std::pair<const char*, PeanutAct>> words_of(PeanutAct) {
  return {{"relu", PeanutAct::relu},   {"relu2", PeanutAct::relu2},
          {"relu6", PeanutAct::relu6}, {"leaky_relu", PeanutAct::leaky_relu},
          {"gelu", PeanutAct::gelu},   {"gelu_new", PeanutAct::gelu_new},
          {"silu", PeanutAct::silu},   {"gelu_pytorch_tanh", PeanutAct::gelu_pytorch_tanh},
          {"swish", PeanutAct::swish}, {"quick_gelu", PeanutAct::quick_gelu},
          {"mish", PeanutAct::mish},   {"sigmoid", PeanutAct::sigmoid},
          {"tanh", PeanutAct::tanh},   {"linear", PeanutAct::linear}};
}

namespace {

void bind_section(config::Fields& field, Adapter& adapter) {
  Peanut& s = adapter.as<Peanut>();
  field("r", &s.r, config::at_least(1), "Width of the small network that makes the update from the weight.");
  field("depth", &s.depth, config::between(0, 1000), "Pairs of hidden layers in it, each with a sum around it.");
  field("act_fn", &s.act_fn, "Function behind each of its layers but the last, by transformers' name.");
  field("scaling", &s.scaling, "Factor of the update.");
  bind_keys(field, adapter.targeting);
}

std::vector<Adapted> adapt_layers(const Adapter& adapter, const std::vector<LinearLayer>& layers) {
  const Peanut& s = adapter.as<Peanut>();
  const std::int64_t r = s.r;
  std::vector<Adapted> adapted;
  for (const std::size_t index : select_layers(adapter.targeting, layers)) {
    const std::int64_t out = layers[index].out, in = layers[index].in;
    Adapted of{.layer = index,
               .tensors = {{"peanut_A.weight", {r, out}}, {"peanut_B.weight", {out, r}}},
               .rank = r,
               .scale = s.scaling,
               .kept = r,
               .made = out * in + (4 * s.depth + 2) * r * in};
    for (const char* const side : {"encoders", "decoders"})
      for (int i = 0; i < s.depth; ++i) of.tensors.push_back({cat("peanut_", side, ".", i, ".weight"), {r, r}});
    adapted.push_back(std::move(of));
  }
  return adapted;
}

}  // namespace

extern const Method kPeanut;
const Method kPeanut{.name = "peanut",
                     .help = "A small network makes the update from the weight (Zhong et al. 2024, arXiv:2410.01870).",
                     .defaults = [](Adapter& s) { s.own = Peanut{}; },
                     .bind = &bind_section,
                     .adapt = &adapt_layers,
                     .fixed = R"({"init_weights": true, "modules_to_save": null})"};

}  // namespace pst::methods
