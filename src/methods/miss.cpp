// SPDX-License-Identifier: Apache-2.0
#include "methods/miss.hpp"

#include "config/fields.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "methods/block_sizes.hpp"
#include "methods/method.hpp"

namespace pst::methods {

std::vector<std::pair<const char*, MissForm>> words_of(MissForm) {
  return {{"true", MissForm::plain}, {"bat", MissForm::bat}, {"mini", MissForm::mini}};
}

namespace {

void bind_section(config::Fields& field, Adapter& adapter) {
  Miss& s = adapter.as<Miss>();
  field("r", &s.r, config::at_least(1), "Inputs in a block; all blocks of a row of the weight get the same update.");
  bind_keys(field, adapter.targeting);
  field("miss_dropout", &s.miss_dropout, config::from_to_below(0, 1),
        "Chance of zeroing an input feature before the update. Nothing with bat.");
  field("mini_r", &s.mini_r, config::at_least(1), "With mini: the number of outputs after which updates repeat.");
  field("init_weights", &s.init_weights,
        "Which update: `true` is a block added to all blocks of a row; `mini` the same, repeated over outputs; `bat` "
        "a matrix a square block, which multiplies the weight too.");
}

Adapted adapt_layer(const Miss& s, const LinearLayer& layer) {
  const std::int64_t r = s.r;
  if (r > layer.in)
    throw Error(Fault::usage, cat("adapter.r is ", r, ", and ", layer.name, " has ", layer.in, " inputs"),
                "lower adapter.r");
  switch (s.init_weights) {
    case MissForm::plain:
      return {.tensors = {{"miss_block", {r, layer.out}}}, .rank = r, .dropout = s.miss_dropout, .kept = r};
    case MissForm::mini:
      require_divisor(s.mini_r, layer.out, "mini_r", layer, "outputs");
      return {.tensors = {{"miss_block", {r, s.mini_r}}}, .rank = r, .dropout = s.miss_dropout, .kept = r};
    case MissForm::bat:
      require_divisor(r, layer.in, "r", layer, "inputs");
      require_divisor(r, layer.out, "r", layer, "outputs");
      return {.tensors = {{"miss_block", {layer.out / r, r, r}}}, .made = 3 * layer.out * layer.in};
  }
  return {};
}

std::vector<Adapted> adapt_layers(const Adapter& adapter, const std::vector<LinearLayer>& layers) {
  std::vector<Adapted> adapted;
  for (const std::size_t index : select_layers(adapter.targeting, layers)) {
    adapted.push_back(adapt_layer(adapter.as<Miss>(), layers[index]));
    adapted.back().layer = index;
  }
  return adapted;
}

}  // namespace

extern const Method kMiss;
const Method kMiss{.name = "miss",
                   .help = "One block, added to all blocks of a weight's row (Kang and Yin 2024, arXiv:2409.15371).",
                   .defaults = [](Adapter& s) { s.own = Miss{}; },
                   .bind = &bind_section,
                   .adapt = &adapt_layers,
                   .bias_of_adapted = "MiSS_only",
                   .fixed = R"({"modules_to_save": null})"};

}  // namespace pst::methods
