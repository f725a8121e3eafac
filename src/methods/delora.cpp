// SPDX-License-Identifier: Apache-2.0
#include "methods/delora.hpp"

#include "config/fields.hpp"
#include "methods/method.hpp"

namespace pst::methods {
namespace {

void bind_section(config::Fields& field, Adapter& adapter) {
  Delora& s = adapter.as<Delora>();
  field("r", &s.r, config::at_least(1), "Rank of the update.");
  field("delora_lambda", &s.delora_lambda, config::above(0),
        "Bound of the update's norm, in norms of the weight's columns: where it starts, for it is trained.");
  bind_keys(field, adapter.targeting);
  bind_rank_pattern(field, s.patterns);
  field("lambda_pattern", &s.lambda_pattern, config::above(0), "Another delora_lambda for some layers, likewise.");
  field("module_dropout", &s.module_dropout, config::from_to_below(0, 1),
        "Chance of zeroing an input feature before the update.");
}

std::vector<Adapted> adapt_layers(const Adapter& adapter, const std::vector<LinearLayer>& layers) {
  const Delora& s = adapter.as<Delora>();
  const ByPattern<int> ranks("adapter.rank_pattern", s.patterns.rank_pattern);
  const ByPattern<double> lambdas("adapter.lambda_pattern", s.lambda_pattern);
  std::vector<Adapted> adapted;
  for (const std::size_t index : select_layers(adapter.targeting, layers)) {
    const std::int64_t out = layers[index].out, in = layers[index].in, r = ranks.of(layers[index].name, s.r);
    adapted.push_back({.layer = index,
                       .tensors = {{"delora_A", {r, in}},
                                   {"delora_B", {out, r}},
                                   {"delora_lambda", {1}},
                                   {.name = "delora_w_norm", .shape = {in}, .trained = false}},
                       .rank = r,
                       .scale = lambdas.of(layers[index].name, s.delora_lambda),
                       .dropout = s.module_dropout,
                       .kept = r});
  }
  return adapted;
}

}  // namespace

extern const Method kDelora;
const Method kDelora{.name = "delora",
                     .help = "A low-rank update whose norm is bounded (Bini et al. 2025, arXiv:2503.18225).",
                     .defaults = [](Adapter& s) { s.own = Delora{}; },
                     .bind = &bind_section,
                     .adapt = &adapt_layers,
                     .bias_of_adapted = "delora_only",
                     .fixed = R"({"init_weights": true, "modules_to_save": null})"};

}  // namespace pst::methods
