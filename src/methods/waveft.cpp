// SPDX-License-Identifier: Apache-2.0
#include "methods/waveft.hpp"

#include <algorithm>
#include <cmath>

#include "config/fields.hpp"
#include "methods/method.hpp"
#include "methods/wavelets.hpp"

namespace pst::methods {
namespace {

void bind_section(config::Fields& field, Adapter& adapter) {
  Waveft& s = adapter.as<Waveft>();
  bind_keys(field, s.frequencies);
  field("scaling", &s.scaling, "The update is scaled by this.");
  field("wavelet_family", &s.wavelet_family,
        config::text_that("db1 to db10, sym2 to sym10, or coif1 to coif3",
                          [](std::string_view name) { return find_wavelet(name) != nullptr; }),
        "Wavelet of the transform.");
  field("use_idwt", &s.use_idwt, "Transform the coefficients back; else they are values of the update themselves.");
  field("proportional_parameters", &s.proportional_parameters,
        "Share n_frequency times the number of layers out by the size of the layers' weights; n_frequency_pattern then "
        "says nothing.");
  bind_keys(field, adapter.targeting);
  field("init_weights", &s.init_weights,
        "Start with zeros; else the coefficients are random, so that the start changes what the model computes.");
}

std::vector<Adapted> adapt_layers(const Adapter& adapter, const std::vector<LinearLayer>& layers) {
  const Waveft& s = adapter.as<Waveft>();
  const ByPattern<int> counts("adapter.n_frequency_pattern", s.frequencies.n_frequency_pattern);
  const std::vector<std::size_t> chosen = select_layers(adapter.targeting, layers);
  double all = 0;
  for (const std::size_t index : chosen) all += static_cast<double>(layers[index].out * layers[index].in);
  const double budget = static_cast<double>(s.frequencies.n_frequency) * static_cast<double>(chosen.size());
  std::vector<Adapted> adapted;
  for (const std::size_t index : chosen) {
    const std::int64_t places = layers[index].out * layers[index].in;
    // Python's round(): halves go to the even number.
    const std::int64_t count = s.proportional_parameters
                                   ? std::max<std::int64_t>(1, std::llrint(static_cast<double>(places) / all * budget))
                                   : counts.of(layers[index].name, s.frequencies.n_frequency);
    require_places(count, layers[index]);
    adapted.push_back(
        {.layer = index, .tensors = {{"waveft_spectrum", {count}}}, .scale = s.scaling, .made = 5 * places});
  }
  return adapted;
}

}  // namespace

extern const Method kWaveft;
const Method kWaveft{
    .name = "waveft",
    .help = "An update whose wavelet transform has few values (Bilican et al. 2025, arXiv:2505.12532).",
    .defaults = [](Adapter& s) { s.own = Waveft{}; },
    .bind = &bind_section,
    .adapt = &adapt_layers,
    .starts_at_base = [](const Adapter& s) { return s.as<Waveft>().init_weights; },
    .bias_of_adapted = "waveft_only",
    .fixed = R"({"fan_in_fan_out": false, "modules_to_save": null})"};

}  // namespace pst::methods
