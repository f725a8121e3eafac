// SPDX-License-Identifier: Apache-2.0
#include "methods/vera.hpp"

#include <algorithm>

#include "config/fields.hpp"
#include "methods/method.hpp"

namespace pst::methods {
namespace {

void bind_section(config::Fields& field, Adapter& adapter) {
  Vera& s = adapter.as<Vera>();
  field("r", &s.r, config::at_least(1), "Rank of the frozen random matrices that all layers share.");
  bind_target_modules(field, adapter.targeting);
  bind_layers_to_transform(field, adapter.targeting);
  field("projection_prng_key", &s.projection_prng_key, config::at_least(0), "Seed of the random matrices.");
  field("save_projection", &s.save_projection,
        "Save them with the adapter; else whoever loads it makes them of the key.");
  field("vera_dropout", &s.vera_dropout, config::from_to_below(0, 1), "Chance of zeroing an input feature before A.");
  field("d_initial", &s.d_initial, "What the factors between A and B start with.");
}

std::vector<Adapted> adapt_layers(const Adapter& adapter, const std::vector<LinearLayer>& layers) {
  const Vera& s = adapter.as<Vera>();
  std::vector<Adapted> adapted;
  for (const std::size_t index : select_layers(adapter.targeting, layers))
    adapted.push_back({.layer = index,
                       .tensors = {{"vera_lambda_b", {layers[index].out}}, {"vera_lambda_d", {s.r}}},
                       .rank = s.r,
                       .dropout = s.vera_dropout,
                       .kept = s.r});
  return adapted;
}

/// As wide as the widest layer; others use a part.
std::vector<AdapterTensor> shared_tensors(const Adapter& adapter, const std::vector<LinearLayer>& layers,
                                          const std::vector<Adapted>& adapted) {
  const Vera& s = adapter.as<Vera>();
  std::int64_t in = 0, out = 0;
  for (const Adapted& of : adapted) {
    in = std::max(in, layers[of.layer].in);
    out = std::max(out, layers[of.layer].out);
  }
  return {{.name = "base_model.vera_A", .shape = {s.r, in}, .trained = false, .saved = s.save_projection},
          {.name = "base_model.vera_B", .shape = {out, s.r}, .trained = false, .saved = s.save_projection}};
}

}  // namespace

extern const Method kVera;
const Method kVera{.name = "vera",
                   .help = "Learned factors of frozen random matrices (Kopiczko et al. 2024, arXiv:2310.11454).",
                   .defaults = [](Adapter& s) { s.own = Vera{}; },
                   .bind = &bind_section,
                   .adapt = &adapt_layers,
                   .shared = &shared_tensors,
                   .bias_of_adapted = "vera_only",
                   .fixed = R"({"fan_in_fan_out": false, "init_weights": true,
                                "modules_to_save": null})"};

}  // namespace pst::methods
