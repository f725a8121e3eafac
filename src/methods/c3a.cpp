// SPDX-License-Identifier: Apache-2.0
#include "methods/c3a.hpp"

#include "config/fields.hpp"
#include "methods/block_sizes.hpp"
#include "methods/method.hpp"

namespace pst::methods {

std::vector<std::pair<const char*, C3aInit>> words_of(C3aInit) {
  return {{"true", C3aInit::zeros},
          {"gaussian", C3aInit::gaussian},
          {"kaiming_uniform", C3aInit::kaiming_uniform},
          {"xavier_uniform", C3aInit::xavier_uniform}};
}

namespace {

void bind_section(config::Fields& field, Adapter& adapter) {
  C3a& s = adapter.as<C3a>();
  field("block_size", &s.block_size, config::at_least(1),
        "Side of a block of the update; it divides the inputs and outputs of every layer.");
  bind_target_modules(field, adapter.targeting);
  bind_layers_to_transform(field, adapter.targeting);
  field("block_size_pattern", &s.block_size_pattern, config::at_least(1),
        "Another block_size for some layers, by name ending or regular expression.");
  field("init_weights", &s.init_weights,
        "How the update starts: `true` is zero; the others are random, so that the start changes what the model "
        "computes.");
}

std::vector<Adapted> adapt_layers(const Adapter& adapter, const std::vector<LinearLayer>& layers) {
  const C3a& s = adapter.as<C3a>();
  const ByPattern<int> sizes("adapter.block_size_pattern", s.block_size_pattern);
  std::vector<Adapted> adapted;
  for (const std::size_t index : select_layers(adapter.targeting, layers)) {
    const std::int64_t out = layers[index].out, in = layers[index].in, b = sizes.of(layers[index].name, s.block_size);
    require_divisor(b, in, "block_size", layers[index], "inputs");
    require_divisor(b, out, "block_size", layers[index], "outputs");
    adapted.push_back({.layer = index,
                       .tensors = {{"c3a_kernel", {out / b, in / b, b}}},
                       .scale = 1 / static_cast<double>(in),
                       .made = 4 * out * in});
  }
  return adapted;
}

}  // namespace

extern const Method kC3a;
const Method kC3a{.name = "c3a",
                  .help = "An update of circulant blocks (Chen et al. 2024, arXiv:2407.19342).",
                  .defaults = [](Adapter& s) { s.own = C3a{}; },
                  .bind = &bind_section,
                  .adapt = &adapt_layers,
                  .starts_at_base = [](const Adapter& s) { return s.as<C3a>().init_weights == C3aInit::zeros; },
                  .bias_of_adapted = "c3a_only",
                  .fixed = R"({"modules_to_save": null})"};

}  // namespace pst::methods
