// SPDX-License-Identifier: Apache-2.0
#include "methods/fourierft.hpp"

#include "config/fields.hpp"
#include "methods/method.hpp"

namespace pst::methods {
namespace {

void bind_section(config::Fields& field, Adapter& adapter) {
  Fourierft& s = adapter.as<Fourierft>();
  bind_keys(field, s.frequencies);
  field("scaling", &s.scaling, "The update is scaled by this.");
  bind_keys(field, adapter.targeting);
  field("init_weights", &s.init_weights,
        "Start with zeros; else the coefficients are random, so that the start changes what the model computes.");
}

std::vector<Adapted> adapt_layers(const Adapter& adapter, const std::vector<LinearLayer>& layers) {
  const Fourierft& s = adapter.as<Fourierft>();
  const ByPattern<int> counts("adapter.n_frequency_pattern", s.frequencies.n_frequency_pattern);
  std::vector<Adapted> adapted;
  for (const std::size_t index : select_layers(adapter.targeting, layers)) {
    const std::int64_t count = counts.of(layers[index].name, s.frequencies.n_frequency);
    require_places(count, layers[index]);
    adapted.push_back({.layer = index,
                       .tensors = {{"fourierft_spectrum", {count}}},
                       .scale = s.scaling,
                       .made = 6 * layers[index].out * layers[index].in});
  }
  return adapted;
}

}  // namespace

extern const Method kFourierft;
const Method kFourierft{.name = "fourierft",
                        .help = "An update whose Fourier transform has few values (Gao et al. 2024, arXiv:2405.03003).",
                        .defaults = [](Adapter& s) { s.own = Fourierft{}; },
                        .bind = &bind_section,
                        .adapt = &adapt_layers,
                        .starts_at_base = [](const Adapter& s) { return s.as<Fourierft>().init_weights; },
                        .bias_of_adapted = "fourier_only",
                        .fixed = R"({"fan_in_fan_out": false, "modules_to_save": null})"};

}  // namespace pst::methods
