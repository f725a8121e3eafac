// SPDX-License-Identifier: Apache-2.0
#include "methods/randlora.hpp"

#include <algorithm>

#include "config/fields.hpp"
#include "methods/method.hpp"

namespace pst::methods {
namespace {

void bind_section(config::Fields& field, Adapter& adapter) {
  Randlora& s = adapter.as<Randlora>();
  field("r", &s.r, config::at_least(1),
        "Rank of each random matrix. A layer has as many as give the update full rank: the smaller r, the more values "
        "are trained.");
  field("randlora_alpha", &s.randlora_alpha, config::at_least(1), "The update is scaled by randlora_alpha / r.");
  bind_target_modules(field, adapter.targeting);
  bind_layers_to_transform(field, adapter.targeting);
  field("projection_prng_key", &s.projection_prng_key, config::at_least(0), "Seed of the random matrices.");
  field("save_projection", &s.save_projection,
        "Save them with the adapter; else whoever loads it makes them of the key.");
  field("sparse", &s.sparse, "Two thirds of their values are zeros, the others have one size.");
  field("very_sparse", &s.very_sparse, "All but about 1 / sqrt(d) of their values are zeros, d their smaller side.");
  field("randlora_dropout", &s.randlora_dropout, config::from_to_below(0, 1),
        "Chance of zeroing an input feature before the update.");
}

std::int64_t bases_of(std::int64_t smaller_side, std::int64_t r) { return (smaller_side + r - 1) / r; }

std::vector<Adapted> adapt_layers(const Adapter& adapter, const std::vector<LinearLayer>& layers) {
  const Randlora& s = adapter.as<Randlora>();
  std::vector<Adapted> adapted;
  for (const std::size_t index : select_layers(adapter.targeting, layers)) {
    const std::int64_t smaller = std::min(layers[index].in, layers[index].out), bases = bases_of(smaller, s.r);
    adapted.push_back({.layer = index,
                       .tensors = {{"randlora_lambda", {s.r, bases}}, {"randlora_gamma", {bases, smaller}}},
                       .rank = s.r * bases,
                       .scale = static_cast<double>(s.randlora_alpha) / s.r,
                       .dropout = s.randlora_dropout,
                       .kept = s.r * bases,
                       .made = 2 * s.r * bases * (layers[index].in + layers[index].out)});
  }
  return adapted;
}

/// As large as the widest layer needs; others use a part.
std::vector<AdapterTensor> shared_tensors(const Adapter& adapter, const std::vector<LinearLayer>& layers,
                                          const std::vector<Adapted>& adapted) {
  const Randlora& s = adapter.as<Randlora>();
  std::int64_t in = 0, out = 0;
  for (const Adapted& of : adapted) {
    in = std::max(in, layers[of.layer].in);
    out = std::max(out, layers[of.layer].out);
  }
  const std::int64_t smaller = std::min(in, out), larger = std::max(in, out);
  return {{.name = "base_model.randlora_A", .shape = {s.r, 1, smaller}, .trained = false, .saved = s.save_projection},
          {.name = "base_model.randlora_B",
           .shape = {larger, bases_of(smaller, s.r), s.r},
           .trained = false,
           .saved = s.save_projection}};
}

}  // namespace

extern const Method kRandlora;
const Method kRandlora{
    .name = "randlora",
    .help = "Full-rank sums of random matrices with learned factors (Albert et al. 2025, arXiv:2502.00987).",
    .defaults = [](Adapter& s) { s.own = Randlora{}; },
    .bind = &bind_section,
    .adapt = &adapt_layers,
    .shared = &shared_tensors,
    .bias_of_adapted = "randlora_only",
    .fixed = R"({"fan_in_fan_out": false, "init_weights": true, "modules_to_save": null})"};

}  // namespace pst::methods
