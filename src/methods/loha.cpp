// SPDX-License-Identifier: Apache-2.0
#include "methods/loha.hpp"

#include "config/fields.hpp"
#include "methods/method.hpp"

namespace pst::methods {
namespace {

void bind_section(config::Fields& field, Adapter& adapter) {
  Loha& s = adapter.as<Loha>();
  field("r", &s.r, config::at_least(1), "Rank of each of the two matrices whose product by elements is the update.");
  field("alpha", &s.alpha, config::above(0), "The update is scaled by alpha / r.");
  bind_keys(field, adapter.targeting);
  bind_keys(field, s.patterns);
  field("rank_dropout", &s.rank_dropout, config::from_to_below(0, 1), "Chance of zeroing a row of the update.");
  field("module_dropout", &s.module_dropout, config::from_to_below(0, 1), "Chance of leaving out a layer's update.");
}

std::vector<Adapted> adapt_layers(const Adapter& adapter, const std::vector<LinearLayer>& layers) {
  const Loha& s = adapter.as<Loha>();
  const RankOf of_layer(s.patterns, s.r, s.alpha);
  std::vector<Adapted> adapted;
  for (const std::size_t index : select_layers(adapter.targeting, layers)) {
    const std::int64_t out = layers[index].out, in = layers[index].in, r = of_layer.r(layers[index]);
    adapted.push_back(
        {.layer = index,
         .tensors = {{"hada_w1_a", {out, r}}, {"hada_w1_b", {r, in}}, {"hada_w2_a", {out, r}}, {"hada_w2_b", {r, in}}},
         .scale = of_layer.alpha(layers[index]) / static_cast<double>(r),
         .made = 3 * out * in});
  }
  return adapted;
}

}  // namespace

extern const Method kLoha;
const Method kLoha{.name = "loha",
                   .help = "The product by elements of two low-rank matrices (arXiv:2108.06098).",
                   .defaults = [](Adapter& s) { s.own = Loha{}; },
                   .bind = &bind_section,
                   .adapt = &adapt_layers,
                   .fixed = R"({"init_weights": true, "modules_to_save": null,
                                "use_effective_conv2d": false})"};

}  // namespace pst::methods
