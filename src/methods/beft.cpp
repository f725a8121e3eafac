// SPDX-License-Identifier: Apache-2.0
#include "methods/beft.hpp"

#include "methods/method.hpp"

namespace pst::methods {
namespace {

std::vector<Adapted> adapt_layers(const Adapter& adapter, const std::vector<LinearLayer>& layers) {
  std::vector<Adapted> adapted;
  for (const std::size_t index : select_layers(adapter.targeting, layers))
    adapted.push_back({.layer = index, .tensors = {{"beft_bias", {1, layers[index].out}}}, .keeps_input = false});
  return adapted;
}

}  // namespace

extern const Method kBeft;
const Method kBeft{.name = "beft",
                   .help = "Biases of linear layers alone (Huang et al. 2025, arXiv:2509.15974).",
                   .defaults = [](Adapter& s) { s.own = Beft{}; },
                   .bind = [](config::Fields& field, Adapter& s) { bind_target_modules(field, s.targeting); },
                   .adapt = &adapt_layers,
                   .fixed = R"({"init_weights": true, "modules_to_save": null})"};

}  // namespace pst::methods
