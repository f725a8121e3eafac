// SPDX-License-Identifier: Apache-2.0
#include "methods/pvera.hpp"

#include <algorithm>

#include "config/fields.hpp"
#include "methods/method.hpp"

namespace pst::methods {
namespace {

void bind_section(config::Fields& field, Adapter& adapter) {
  Pvera& s = adapter.as<Pvera>();
  field("r", &s.r, config::at_least(1), "Values of each token that are drawn between the two random matrices.");
  bind_target_modules(field, adapter.targeting);
  bind_layers_to_transform(field, adapter.targeting);
  field("projection_prng_key", &s.projection_prng_key, config::at_least(0), "Seed of the random matrices.");
  field("save_projection", &s.save_projection,
        "Save them with the adapter; else whoever loads it makes them of the key.");
  field("pvera_dropout", &s.pvera_dropout, config::from_to_below(0, 1), "Chance of zeroing an input feature before A.");
  field("d_initial", &s.d_initial, "What the factors between A and B start with.");
  field("sample_at_inference", &s.sample_at_inference,
        "Draw outside of training too; else the means are taken. What draws cannot be merged.");
  field("generator_seed", &s.generator_seed, config::Absent::null, config::at_least(0),
        "Seed of what is drawn outside of training; null: 0. A training draws from its own seed.");
}

std::vector<Adapted> adapt_layers(const Adapter& adapter, const std::vector<LinearLayer>& layers) {
  const Pvera& s = adapter.as<Pvera>();
  std::vector<Adapted> adapted;
  for (const std::size_t index : select_layers(adapter.targeting, layers))
    adapted.push_back({.layer = index,
                       .tensors = {{"pvera_lambda_b", {layers[index].out}}, {"pvera_lambda_d", {2 * s.r}}},
                       .rank = 2 * s.r,
                       .dropout = s.pvera_dropout,
                       .kept = 10 * s.r});
  return adapted;
}

/// As wide as the widest layer; others use a part. A gives means and variances, one above the other.
std::vector<AdapterTensor> shared_tensors(const Adapter& adapter, const std::vector<LinearLayer>& layers,
                                          const std::vector<Adapted>& adapted) {
  const Pvera& s = adapter.as<Pvera>();
  std::int64_t in = 0, out = 0;
  for (const Adapted& of : adapted) {
    in = std::max(in, layers[of.layer].in);
    out = std::max(out, layers[of.layer].out);
  }
  return {{.name = "base_model.pvera_A", .shape = {2 * s.r, in}, .trained = false, .saved = s.save_projection},
          {.name = "base_model.pvera_B", .shape = {out, s.r}, .trained = false, .saved = s.save_projection}};
}

}  // namespace

extern const Method kPvera;
const Method kPvera{.name = "pvera",
                    .help = "VeRA whose low-rank values are drawn, with learned spread (arXiv:2512.07703).",
                    .defaults = [](Adapter& s) { s.own = Pvera{}; },
                    .bind = &bind_section,
                    .adapt = &adapt_layers,
                    .shared = &shared_tensors,
                    .kept_apart = [](const Adapter& s) -> std::string_view {
                      return s.as<Pvera>().sample_at_inference
                                 ? "it draws values for each token, which no weight does (sample_at_inference: false "
                                   "takes their means)"
                                 : "";
                    },
                    .bias_of_adapted = "pvera_only",
                    .fixed = R"({"fan_in_fan_out": false, "init_weights": true,
                                 "modules_to_save": null})"};

}  // namespace pst::methods
