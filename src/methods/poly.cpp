// SPDX-License-Identifier: Apache-2.0
#include "methods/poly.hpp"

#include "config/fields.hpp"
#include "methods/block_sizes.hpp"
#include "methods/method.hpp"

namespace pst::methods {
namespace {

void bind_section(config::Fields& field, Adapter& adapter) {
  Poly& s = adapter.as<Poly>();
  field("r", &s.r, config::at_least(1), "Rank of each skill's update, which is scaled by 1 / r.");
  field("n_skills", &s.n_skills, config::at_least(1),
        "Low-rank updates that a router mixes, with noise that is drawn for each micro batch.");
  field("n_splits", &s.n_splits, config::at_least(1),
        "Parts of inputs and outputs that are mixed each in its own way. It divides both of every layer.");
  bind_target_modules(field, adapter.targeting);
  bind_exclude_modules(field, adapter.targeting);
}

std::vector<Adapted> adapt_layers(const Adapter& adapter, const std::vector<LinearLayer>& layers) {
  const Poly& s = adapter.as<Poly>();
  const std::int64_t r = s.r, skills = s.n_skills, splits = s.n_splits;
  std::vector<Adapted> adapted;
  for (const std::size_t index : select_layers(adapter.targeting, layers)) {
    const LinearLayer& layer = layers[index];
    require_divisor(splits, layer.in, "n_splits", layer, "inputs");
    require_divisor(splits, layer.out, "n_splits", layer, "outputs");
    adapted.push_back({.layer = index,
                       .tensors = {{"poly_lora_A", {splits, skills, layer.in / splits, r}},
                                   {"poly_lora_B", {splits, skills, r, layer.out / splits}},
                                   {"poly_router.module_logits", {1, splits * skills}}},
                       .rank = r,
                       .scale = 1.0 / static_cast<double>(r),
                       .kept = r,
                       .made = r * (layer.in + layer.out)});
  }
  return adapted;
}

}  // namespace

extern const Method kPoly;
const Method kPoly{
    .name = "poly",
    .help = "Low-rank skills, mixed by a learned router (Ponti et al. 2022, arXiv:2202.13914); one task.",
    .defaults = [](Adapter& s) { s.own = Poly{}; },
    .bind = &bind_section,
    .adapt = &adapt_layers,
    .fixed = R"({"init_weights": true, "modules_to_save": null, "n_tasks": 1, "poly_type": "poly"})"};

}  // namespace pst::methods
