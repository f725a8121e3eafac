// SPDX-License-Identifier: Apache-2.0
#include "methods/hira.hpp"

#include "config/fields.hpp"
#include "methods/method.hpp"

namespace pst::methods {

std::vector<std::pair<const char*, HiraInit>> words_of(HiraInit) {
  return {{"true", HiraInit::kaiming}, {"gaussian", HiraInit::gaussian}};
}

namespace {

void bind_section(config::Fields& field, Adapter& adapter) {
  Hira& s = adapter.as<Hira>();
  field("r", &s.r, config::at_least(1), "Rank of BA, by which the weight is multiplied element by element.");
  bind_keys(field, adapter.targeting);
  field("hira_dropout", &s.hira_dropout, config::from_to_below(0, 1),
        "Chance of zeroing an input feature before the update.");
  field("init_weights", &s.init_weights,
        "How A starts: `true` is Kaiming uniform, `gaussian` normal with standard deviation 1 / r. B starts at zero.");
}

std::vector<Adapted> adapt_layers(const Adapter& adapter, const std::vector<LinearLayer>& layers) {
  const Hira& s = adapter.as<Hira>();
  std::vector<Adapted> adapted;
  for (const std::size_t index : select_layers(adapter.targeting, layers)) {
    const std::int64_t out = layers[index].out, in = layers[index].in, r = s.r;
    adapted.push_back({.layer = index,
                       .tensors = {{"hira_A", {r, in}}, {"hira_B", {out, r}}},
                       .dropout = s.hira_dropout,
                       .made = 3 * out * in});
  }
  return adapted;
}

}  // namespace

extern const Method kHira;
const Method kHira{.name = "hira",
                   .help = "The weight times a low-rank matrix, element by element (HiRA, Huang et al. 2025).",
                   .defaults = [](Adapter& s) { s.own = Hira{}; },
                   .bind = &bind_section,
                   .adapt = &adapt_layers,
                   .fixed = R"({"fan_in_fan_out": false, "modules_to_save": null, "rank_pattern": {}})"};

}  // namespace pst::methods
