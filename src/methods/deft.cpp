// SPDX-License-Identifier: Apache-2.0
#include "methods/deft.hpp"

#include <algorithm>

#include "config/fields.hpp"
#include "methods/method.hpp"

namespace pst::methods {

std::vector<std::pair<const char*, DeftProjection>> words_of(DeftProjection) {
  return {{"relu", DeftProjection::relu}, {"qr", DeftProjection::qr}};
}

namespace {

void bind_section(config::Fields& field, Adapter& adapter) {
  Deft& s = adapter.as<Deft>();
  field("r", &s.r, config::at_least(1), "Directions of a layer's output that are replaced; at most its outputs.");
  field("decomposition_method", &s.decomposition_method,
        "How the projection on them is made of the trained P: `relu` is P relu(P)', `qr` is orthogonal.");
  field("alpha", &s.alpha, config::Absent::null, config::above(0),
        "What is put in is scaled by alpha / r; null: by 1.");
  field("para", &s.para, "Take directions away, and put nothing in; then the start changes what the model computes.");
  bind_keys(field, adapter.targeting);
  field("deft_dropout", &s.deft_dropout, config::from_to_below(0, 1),
        "Chance of zeroing an input feature before what is put in.");
}

std::vector<Adapted> adapt_layers(const Adapter& adapter, const std::vector<LinearLayer>& layers) {
  const Deft& s = adapter.as<Deft>();
  std::vector<Adapted> adapted;
  for (const std::size_t index : select_layers(adapter.targeting, layers)) {
    const std::int64_t out = layers[index].out, in = layers[index].in, r = std::min<std::int64_t>(s.r, out);
    Adapted of{.layer = index,
               .tensors = {{"deft_P", {out, r}}},
               .scale = s.alpha ? *s.alpha / static_cast<double>(r) : 1,
               .dropout = s.deft_dropout,
               .keeps_input = !s.para,
               .kept = out + 2 * r};
    if (!s.para) of.tensors.push_back({"deft_R", {r, in}});
    adapted.push_back(std::move(of));
  }
  return adapted;
}

}  // namespace

extern const Method kDeft;
const Method kDeft{.name = "deft",
                   .help = "Some directions of a layer's output, replaced by learned ones.",
                   .defaults = [](Adapter& s) { s.own = Deft{}; },
                   .bind = &bind_section,
                   .adapt = &adapt_layers,
                   .starts_at_base = [](const Adapter& s) { return !s.as<Deft>().para; },
                   .bias_of_adapted = "deft_only",
                   .fixed = R"({"fan_in_fan_out": false, "init_scale": 1.0, "init_weights": true,
                                "modules_to_save": null})"};

}  // namespace pst::methods
