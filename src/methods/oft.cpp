// SPDX-License-Identifier: Apache-2.0
#include "methods/oft.hpp"

#include "config/fields.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "methods/block_sizes.hpp"
#include "methods/method.hpp"

namespace pst::methods {
namespace {

void bind_section(config::Fields& field, Adapter& adapter) {
  Oft& s = adapter.as<Oft>();
  field("r", &s.r, config::at_least(0),
        "Number of blocks that a layer's inputs are cut into; 0: oft_block_size says it.");
  field("oft_block_size", &s.oft_block_size, config::at_least(0), "Inputs in a block; 0: r says how many blocks.");
  bind_keys(field, adapter.targeting);
  field("module_dropout", &s.module_dropout, config::from_to_below(0, 1),
        "Share of a layer's blocks that are left as they are in a training pass.");
  field("coft", &s.coft, "Keep rotations near to none: what they are made of has a norm of at most eps.");
  field("eps", &s.eps, config::above(0), "That norm; for a layer of n blocks it is eps / sqrt(n).");
  field("block_share", &s.block_share, "One rotation for all blocks of a layer.");
  field("use_cayley_neumann", &s.use_cayley_neumann,
        "Make rotations by a series (arXiv:2506.19847), which is faster and not quite orthogonal.");
  field("num_cayley_neumann_terms", &s.num_cayley_neumann_terms, config::at_least(1), "Terms of the series.");
}

std::vector<Adapted> adapt_layers(const Adapter& adapter, const std::vector<LinearLayer>& layers) {
  const Oft& s = adapter.as<Oft>();
  std::vector<Adapted> adapted;
  for (const std::size_t index : select_layers(adapter.targeting, layers)) {
    const auto [count, size] = blocks_of(layers[index], s.oft_block_size, s.r, "oft_block_size", "r");
    if (size < 2)
      throw Error(Fault::usage, cat("blocks of one input, which nothing can turn, for ", layers[index].name),
                  "raise adapter.oft_block_size, or lower adapter.r");
    adapted.push_back(
        {.layer = index, .tensors = {{kOftRotation, {s.block_share ? 1 : count, size * (size - 1) / 2}}}});
  }
  return adapted;
}

}  // namespace

extern const Method kOft;
const Method kOft{.name = "oft",
                  .help = "Orthogonal matrices, in blocks, that turn a layer's input (arXiv:2306.07280).",
                  .defaults = [](Adapter& s) { s.own = Oft{}; },
                  .bind = &bind_section,
                  .adapt = &adapt_layers,
                  .whole_on_every_rank = [](const Adapter& s) { return s.as<Oft>().coft; },
                  .bias_of_adapted = "oft_only",
                  .fixed = R"({"fan_in_fan_out": false,
                               "init_weights": true, "modules_to_save": null, "peft_version": "0.18.0"})"};

}  // namespace pst::methods
