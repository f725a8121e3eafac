// SPDX-License-Identifier: Apache-2.0
#include "methods/tinylora.hpp"

#include <algorithm>
#include <cmath>

#include "config/fields.hpp"
#include "core/strings.hpp"
#include "methods/method.hpp"

namespace pst::methods {

std::vector<std::pair<const char*, TinyloraInit>> words_of(TinyloraInit) {
  return {{"true", TinyloraInit::zeros}, {"uniform", TinyloraInit::uniform}};
}

namespace {

void bind_section(config::Fields& field, Adapter& adapter) {
  Tinylora& s = adapter.as<Tinylora>();
  field("r", &s.r, config::at_least(1), "Number of the weight's largest singular directions that are mixed.");
  field("u", &s.u, config::at_least(1), "Trained values of a group of layers.");
  field("weight_tying", &s.weight_tying, config::between(0, 1),
        "Share of the layers that have no trained values of their own: 0: each has its own, 1: all have the same.");
  bind_target_modules(field, adapter.targeting);
  bind_layers_to_transform(field, adapter.targeting);
  field("projection_seed", &s.projection_seed, config::at_least(0), "Seed of the random matrices.");
  field("save_projection", &s.save_projection,
        "Save them with the adapter; else whoever loads it makes them of the seed.");
  field("tinylora_dropout", &s.tinylora_dropout, config::from_to_below(0, 1),
        "Chance of zeroing an input feature before the update.");
  field("init_weights", &s.init_weights,
        "How the trained values start: `true` is zero; uniform changes what the model computes.");
  field("init_v_bound", &s.init_v_bound, config::above(0), "They start between this and its negative, if uniform.");
}

/// Python's round(): halves go to the even number.
std::size_t count_groups(const Tinylora& s, std::size_t layers) {
  const double wanted = static_cast<double>(layers) * (1.0 - s.weight_tying);
  return static_cast<std::size_t>(std::max(1LL, std::llrint(wanted)));
}

std::vector<Adapted> adapt_layers(const Adapter& adapter, const std::vector<LinearLayer>& layers) {
  const Tinylora& s = adapter.as<Tinylora>();
  std::vector<Adapted> adapted;
  for (const std::size_t index : select_layers(adapter.targeting, layers)) {
    const std::int64_t in = layers[index].in, out = layers[index].out, r = std::min({std::int64_t{s.r}, in, out});
    adapted.push_back(
        {.layer = index,
         .tensors = {{.name = "tinylora_A", .shape = {r, in}, .trained = false},
                     {.name = "tinylora_B", .shape = {out, r}, .trained = false},
                     {.name = "tinylora_P", .shape = {s.u, r, r}, .trained = false, .saved = s.save_projection}},
         .rank = r,
         .dropout = s.tinylora_dropout,
         .kept = r});
  }
  return adapted;
}

std::vector<AdapterTensor> shared_tensors(const Adapter& adapter, const std::vector<LinearLayer>&,
                                          const std::vector<Adapted>& adapted) {
  const Tinylora& s = adapter.as<Tinylora>();
  std::vector<AdapterTensor> all;
  for (std::size_t i = 0; i < count_groups(s, adapted.size()); ++i)
    all.push_back({.name = cat("base_model.tinylora_v.", i), .shape = {s.u}});
  return all;
}

}  // namespace

std::size_t group_of(const Tinylora& keys, std::size_t place, std::size_t layers) {
  const std::size_t groups = count_groups(keys, layers), size = std::max<std::size_t>(1, layers / groups);
  return std::min(place / size, groups - 1);
}

extern const Method kTinylora;
const Method kTinylora{
    .name = "tinylora",
    .help = "Few values that mix random matrices between the weight's singular directions (arXiv:2602.04118).",
    .defaults = [](Adapter& s) { s.own = Tinylora{}; },
    .bind = &bind_section,
    .adapt = &adapt_layers,
    .shared = &shared_tensors,
    .starts_at_base = [](const Adapter& s) { return s.as<Tinylora>().init_weights == TinyloraInit::zeros; },
    .bias_of_adapted = "tinylora_only",
    .fixed = R"({"fan_in_fan_out": false, "modules_to_save": null})"};

}  // namespace pst::methods
