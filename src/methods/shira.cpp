// SPDX-License-Identifier: Apache-2.0
#include "methods/shira.hpp"

#include "config/fields.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "methods/method.hpp"

namespace pst::methods {
namespace {

void bind_section(config::Fields& field, Adapter& adapter) {
  Shira& s = adapter.as<Shira>();
  field("r", &s.r, config::at_least(1),
        "So many values of each weight are trained as a LoRA of this rank has: r * (inputs + outputs).");
  field("random_seed", &s.random_seed, config::Absent::null, config::at_least(0),
        "Seed of which values those are; null: torch's own.");
  bind_target_modules(field, adapter.targeting);
}

std::vector<Adapted> adapt_layers(const Adapter& adapter, const std::vector<LinearLayer>& layers) {
  const Shira& s = adapter.as<Shira>();
  std::vector<Adapted> adapted;
  for (const std::size_t index : select_layers(adapter.targeting, layers)) {
    const std::int64_t out = layers[index].out, in = layers[index].in, count = s.r * (out + in);
    if (count > out * in)
      throw Error(Fault::usage,
                  cat("adapter.r is ", s.r, ", which makes ", count, " trained values of the ", out * in, " of ",
                      layers[index].name),
                  cat("write r: ", out * in / (out + in), " or less"));
    adapted.push_back(
        {.layer = index,
         .tensors = {{"shira_weight", {count}},
                     {.name = "shira_indices", .shape = {2, count}, .trained = false, .dtype = Dtype::i32}},
         .made = 2 * out * in});
  }
  return adapted;
}

}  // namespace

extern const Method kShira;
const Method kShira{.name = "shira",
                    .help = "Some values of each weight, chosen at random (Bhardwaj et al. 2024, arXiv:2406.13175).",
                    .defaults = [](Adapter& s) { s.own = Shira{}; },
                    .bind = &bind_section,
                    .adapt = &adapt_layers,
                    .fixed = R"({"fan_in_fan_out": false, "init_weights": true, "mask_type": "random",
                                 "modules_to_save": null})"};

}  // namespace pst::methods
