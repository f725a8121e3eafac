// SPDX-License-Identifier: Apache-2.0
#include "methods/unilora.hpp"

#include "config/fields.hpp"
#include "methods/method.hpp"

namespace pst::methods {
namespace {

void bind_section(config::Fields& field, Adapter& adapter) {
  Unilora& s = adapter.as<Unilora>();
  field("r", &s.r, config::at_least(1), "Rank of the update.");
  field("theta_d_length", &s.theta_d_length, config::between(1, 1 << 24), "Trained values, which all layers share.");
  field("proj_seed", &s.proj_seed, config::at_least(0), "Seed of which of them stands where in the factors.");
  bind_target_modules(field, adapter.targeting);
  bind_layers_to_transform(field, adapter.targeting);
  field("save_indices", &s.save_indices,
        "Save with the adapter which value stands where; else whoever loads it makes that of the seed.");
  field("unilora_dropout", &s.unilora_dropout, config::from_to_below(0, 1),
        "Chance of zeroing an input feature before the update.");
  field("init_weights", &s.init_weights,
        "Start with uniform values within init_theta_d_bound; else with normal ones of deviation 1.");
  field("init_theta_d_bound", &s.init_theta_d_bound, config::above(0), "Largest value at the start.");
}

std::vector<Adapted> adapt_layers(const Adapter& adapter, const std::vector<LinearLayer>& layers) {
  const Unilora& s = adapter.as<Unilora>();
  std::vector<Adapted> adapted;
  for (const std::size_t index : select_layers(adapter.targeting, layers)) {
    const std::vector<std::int64_t> a = {s.r, layers[index].in}, b = {layers[index].out, s.r};
    const auto frozen = [&](const char* name, const std::vector<std::int64_t>& shape, Dtype dtype) {
      return AdapterTensor{.name = name, .shape = shape, .trained = false, .saved = s.save_indices, .dtype = dtype};
    };
    adapted.push_back(
        {.layer = index,
         .tensors = {frozen("unilora_indices_A", a, Dtype::i64), frozen("unilora_indices_B", b, Dtype::i64),
                     frozen("unilora_scales_A", a, Dtype::f32), frozen("unilora_scales_B", b, Dtype::f32)},
         .rank = s.r,
         .dropout = s.unilora_dropout,
         .kept = s.r});
  }
  return adapted;
}

std::vector<AdapterTensor> shared_tensors(const Adapter& adapter, const std::vector<LinearLayer>&,
                                          const std::vector<Adapted>&) {
  return {{.name = "base_model.unilora_theta_d", .shape = {adapter.as<Unilora>().theta_d_length}}};
}

}  // namespace

extern const Method kUnilora;
const Method kUnilora{
    .name = "unilora",
    .help = "Low-rank factors whose values all come from one short vector (Li et al. 2025, arXiv:2506.00799).",
    .defaults = [](Adapter& s) { s.own = Unilora{}; },
    .bind = &bind_section,
    .adapt = &adapt_layers,
    .shared = &shared_tensors,
    .starts_at_base = [](const Adapter&) { return false; },
    .bias_of_adapted = "unilora_only",
    .fixed = R"({"fan_in_fan_out": false, "modules_to_save": null})"};

}  // namespace pst::methods
