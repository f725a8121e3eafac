// SPDX-License-Identifier: Apache-2.0
#include "methods/hra.hpp"

#include "config/fields.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "methods/method.hpp"

namespace pst::methods {
namespace {

void bind_section(config::Fields& field, Adapter& adapter) {
  Hra& s = adapter.as<Hra>();
  field("r", &s.r, config::at_least(1),
        "Number of reflections of a layer's input. An even number starts with pairs that cancel each other.");
  field("apply_GS", &s.apply_GS,
        "Reflect along orthogonal directions, made by Gram-Schmidt; then the start changes what the model computes.");
  bind_keys(field, adapter.targeting);
}

std::vector<Adapted> adapt_layers(const Adapter& adapter, const std::vector<LinearLayer>& layers) {
  const Hra& s = adapter.as<Hra>();
  std::vector<Adapted> adapted;
  for (const std::size_t index : select_layers(adapter.targeting, layers)) {
    const std::int64_t in = layers[index].in;
    if (s.apply_GS && s.r > in)
      throw Error(Fault::usage,
                  cat("adapter.r is ", s.r, ", and ", layers[index].name, " has ", in,
                      " inputs: no more directions can be orthogonal"),
                  cat("write r: ", in, " or less, or apply_GS: false"));
    adapted.push_back({.layer = index, .tensors = {{"hra_u", {in, s.r}}}});
  }
  return adapted;
}

}  // namespace

extern const Method kHra;
const Method kHra{.name = "hra",
                  .help = "Reflections of a layer's input (Yuan et al. 2024, arXiv:2405.17484).",
                  .defaults = [](Adapter& s) { s.own = Hra{}; },
                  .bind = &bind_section,
                  .adapt = &adapt_layers,
                  .starts_at_base =
                      [](const Adapter& s) {
                        return s.as<Hra>().r % 2 == 0 && !s.as<Hra>().apply_GS;  // else no pairs cancel each other
                      },
                  .bias_of_adapted = "hra_only",
                  .fixed = R"({"init_weights": true, "modules_to_save": null})"};

}  // namespace pst::methods
