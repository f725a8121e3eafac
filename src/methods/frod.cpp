// SPDX-License-Identifier: Apache-2.0
#include "methods/frod.hpp"

#include <algorithm>
#include <map>

#include "config/fields.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::methods {
namespace {

void bind_section(config::Fields& field, Adapter& adapter) {
  Frod& s = adapter.as<Frod>();
  bind_target_modules(field, adapter.targeting);
  bind_layers_to_transform(field, adapter.targeting);
  field("projection_prng_key", &s.projection_prng_key, config::at_least(0),
        "Seed of which values of the sparse matrices are trained.");
  field("frod_dropout", &s.frod_dropout, config::from_to_below(0, 1),
        "Chance of zeroing an input feature before the update.");
  field("sparse_rate", &s.sparse_rate, config::above(0),
        "Share of each sparse matrix that is trained, one value at least.");
  field("regularization_alpha", &s.regularization_alpha, config::above(0),
        "What is added to the layers' products before a basis is made of them.");
}

std::int64_t places_of(const Frod& s, std::int64_t in) {
  const std::int64_t off_diagonal = in * in - in;
  const auto share = static_cast<std::int64_t>(std::min(static_cast<double>(in * in) * s.sparse_rate, 1e15));
  return std::clamp<std::int64_t>(share, 1, off_diagonal);
}

std::vector<Adapted> adapt_layers(const Adapter& adapter, const std::vector<LinearLayer>& layers) {
  const Frod& s = adapter.as<Frod>();
  std::vector<Adapted> adapted;
  for (const std::size_t index : select_layers(adapter.targeting, layers)) {
    const LinearLayer& layer = layers[index];
    const std::int64_t out = layer.out, in = layer.in;
    if (in < 2) throw Error(Fault::usage, cat(layer.name, " has one input, and no basis to share"));
    if (layer.is_expert)
      throw Error(Fault::usage,
                  cat("adapter.type frod cannot adapt ", layer.name, ": PEFT makes one basis of a layer's experts"),
                  "leave experts out of adapter.target_modules");
    const auto frozen = [](const char* name, std::vector<std::int64_t> shape) {
      return AdapterTensor{.name = name, .shape = std::move(shape), .trained = false, .saved = false};
    };
    adapted.push_back({.layer = index,
                       .tensors = {{"frod_lambda_l", {in}},
                                   {"frod_lambda_s_values", {places_of(s, in)}},
                                   frozen("frod_U", {out, in}),
                                   frozen("frod_lambda_start", {in})},
                       .dropout = s.frod_dropout,
                       .made = 2 * out * in + in * in});
  }
  frod_groups(s, layers, adapted);
  return adapted;
}

std::vector<AdapterTensor> shared_tensors(const Adapter& adapter, const std::vector<LinearLayer>& layers,
                                          const std::vector<Adapted>& adapted) {
  const Frod& s = adapter.as<Frod>();
  std::vector<AdapterTensor> tensors;
  for (const FrodGroup& group : frod_groups(s, layers, adapted)) {
    const auto frozen = [&](const char* name, std::vector<std::int64_t> shape, Dtype dtype) {
      tensors.push_back({.name = cat("base_model.", name, ".", group.category),
                         .shape = std::move(shape),
                         .trained = false,
                         .dtype = dtype});
    };
    frozen("frod_V", {group.in, group.in}, Dtype::f32);
    frozen("frod_s_indices", {2, group.places}, Dtype::i64);
    frozen("frod_s_size", {2}, Dtype::i64);
  }
  return tensors;
}

}  // namespace

std::string frod_category(const std::string& layer) {
  const std::vector<std::string> parts = split(layer, '.');
  const std::size_t count = parts.size();
  if (count == 1) return layer;
  const bool is_numbered = !parts[count - 2].empty() && std::all_of(parts[count - 2].begin(), parts[count - 2].end(),
                                                                    [](char c) { return c >= '0' && c <= '9'; });
  if (is_numbered) return parts[count - 1];
  const std::string category = cat(parts[count - 2], "_", parts[count - 1]);
  return category == "output_dense" && count >= 3 && parts[count - 3] == "attention" ? "attention_output" : category;
}

std::vector<FrodGroup> frod_groups(const Frod& keys, const std::vector<LinearLayer>& layers,
                                   const std::vector<Adapted>& adapted) {
  std::map<std::string, FrodGroup> groups;
  for (std::size_t i = 0; i < adapted.size(); ++i) {
    const LinearLayer& layer = layers[adapted[i].layer];
    FrodGroup& group = groups[frod_category(layer.name)];
    if (!group.adapted.empty() && group.in != layer.in)
      throw Error(Fault::usage,
                  cat(layer.name, " has ", layer.in, " inputs, and ", layers[adapted[group.adapted[0]].layer].name,
                      ", with which it would share a basis, ", group.in),
                  "leave one of them out of adapter.target_modules");
    group.category = frod_category(layer.name);
    group.in = layer.in;
    group.places = places_of(keys, layer.in);
    group.adapted.push_back(i);
  }
  std::vector<FrodGroup> sorted;
  for (auto& [name, group] : groups) sorted.push_back(std::move(group));
  return sorted;
}

extern const Method kFrod;
const Method kFrod{.name = "frod",
                   .help = "The weight in a basis that layers share: its diagonal and some values beside it.",
                   .defaults = [](Adapter& s) { s.own = Frod{}; },
                   .bind = &bind_section,
                   .adapt = &adapt_layers,
                   .shared = &shared_tensors,
                   .fixed = R"({"bias": "none", "fan_in_fan_out": false, "init_weights": true,
                                "modules_to_save": null, "progressbar": true,
                                "runtime_offload_base_weight": false, "save_projection": true})"};

}  // namespace pst::methods
