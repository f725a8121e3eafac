// SPDX-License-Identifier: Apache-2.0
#include "methods/gralora.hpp"

#include "config/fields.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "methods/block_sizes.hpp"
#include "methods/method.hpp"

namespace pst::methods {
namespace {

void bind_section(config::Fields& field, Adapter& adapter) {
  Gralora& s = adapter.as<Gralora>();
  field("r", &s.r, config::at_least(1), "Rank of the update of a column of blocks, shared out among them.");
  field("hybrid_r", &s.hybrid_r, config::at_least(0), "Rank of an update of the whole weight besides.");
  field("gralora_k", &s.gralora_k, config::at_least(1),
        "Blocks a side: the weight is cut into k * k. It divides r and the inputs and outputs of every layer.");
  field("alpha", &s.alpha, config::above(0), "The update is scaled by alpha / (r + hybrid_r).");
  bind_target_modules(field, adapter.targeting);
  bind_layers_to_transform(field, adapter.targeting);
  field("gralora_dropout", &s.gralora_dropout, config::from_to_below(0, 1),
        "Chance of zeroing an input feature before the update.");
}

std::vector<Adapted> adapt_layers(const Adapter& adapter, const std::vector<LinearLayer>& layers) {
  const Gralora& s = adapter.as<Gralora>();
  const std::int64_t r = s.r, k = s.gralora_k, whole = s.hybrid_r;
  if (r % k != 0)
    throw Error(Fault::usage, cat("adapter.gralora_k is ", k, ", which does not divide adapter.r, ", r),
                cat("write r: ", (r / k + 1) * k));
  std::vector<Adapted> adapted;
  for (const std::size_t index : select_layers(adapter.targeting, layers)) {
    const std::int64_t out = layers[index].out, in = layers[index].in;
    require_divisor(k, in, "gralora_k", layers[index], "inputs");
    require_divisor(k, out, "gralora_k", layers[index], "outputs");
    Adapted of{.layer = index,
               .tensors = {{"gralora_A", {k, in / k, r}}, {"gralora_B", {k, r, out / k}}},
               .rank = k * r + whole,
               .scale = s.alpha / static_cast<double>(r + whole),
               .dropout = s.gralora_dropout,
               .kept = k * r + whole};
    if (whole > 0) {
      of.tensors.push_back({"gralora_A_general.weight", {whole, in}});
      of.tensors.push_back({"gralora_B_general.weight", {out, whole}});
    }
    adapted.push_back(std::move(of));
  }
  return adapted;
}

}  // namespace

extern const Method kGralora;
const Method kGralora{.name = "gralora",
                      .help = "A low-rank update for every block of the weight (Jung et al. 2025, arXiv:2505.20355).",
                      .defaults = [](Adapter& s) { s.own = Gralora{}; },
                      .bind = &bind_section,
                      .adapt = &adapt_layers,
                      .bias_of_adapted = "gralora_only",
                      .fixed = R"({"fan_in_fan_out": false, "init_weights": true,
                                   "modules_to_save": null})"};

}  // namespace pst::methods
