// SPDX-License-Identifier: Apache-2.0
#include "methods/road.hpp"

#include "config/fields.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "methods/block_sizes.hpp"
#include "methods/method.hpp"

namespace pst::methods {

std::vector<std::pair<const char*, RoadVariant>> words_of(RoadVariant) {
  return {{"road_1", RoadVariant::road_1}, {"road_2", RoadVariant::road_2}, {"road_4", RoadVariant::road_4}};
}

namespace {

void bind_section(config::Fields& field, Adapter& adapter) {
  Road& s = adapter.as<Road>();
  field("variant", &s.variant,
        "Each pair of outputs is turned and scaled: by an angle and a scale a pair (road_1), an output (road_2), or "
        "two an output (road_4).");
  field("group_size", &s.group_size, config::at_least(2),
        "Pairs are made of the two halves of so many outputs; an even number that divides the outputs of every layer.");
  bind_target_modules(field, adapter.targeting);
}

std::vector<Adapted> adapt_layers(const Adapter& adapter, const std::vector<LinearLayer>& layers) {
  const Road& s = adapter.as<Road>();
  if (s.group_size % 2 != 0)
    throw Error(Fault::usage, cat("adapter.group_size is ", s.group_size, ", and groups are made of pairs"),
                cat("write group_size: ", s.group_size + 1));
  std::vector<Adapted> adapted;
  for (const std::size_t index : select_layers(adapter.targeting, layers)) {
    const std::int64_t out = layers[index].out;
    require_divisor(s.group_size, out, "group_size", layers[index], "outputs");
    const std::int64_t values = s.variant == RoadVariant::road_1   ? out / 2
                                : s.variant == RoadVariant::road_2 ? out
                                                                   : 2 * out;
    adapted.push_back({.layer = index,
                       .tensors = {{"road_theta", {values}}, {"road_alpha", {values}}},
                       .keeps_input = false,
                       .kept = out});
  }
  return adapted;
}

}  // namespace

extern const Method kRoad;
const Method kRoad{.name = "road",
                   .help = "Pairs of a layer's outputs, turned and scaled (Liao and Monz 2024, arXiv:2409.00119).",
                   .defaults = [](Adapter& s) { s.own = Road{}; },
                   .bind = &bind_section,
                   .adapt = &adapt_layers,
                   .fixed = R"({"init_weights": true, "modules_to_save": null})"};

}  // namespace pst::methods
