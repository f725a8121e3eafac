// SPDX-License-Identifier: Apache-2.0
#include "methods/boft.hpp"

#include "config/fields.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "methods/block_sizes.hpp"
#include "methods/method.hpp"

namespace pst::methods {
namespace {

void bind_section(config::Fields& field, Adapter& adapter) {
  Boft& s = adapter.as<Boft>();
  field("boft_block_size", &s.boft_block_size, config::at_least(0), "Inputs in a block; 0: boft_block_num says it.");
  field("boft_block_num", &s.boft_block_num, config::at_least(0),
        "Number of blocks that a layer's inputs are cut into; 0: boft_block_size says it.");
  field("boft_n_butterfly_factor", &s.boft_n_butterfly_factor, config::between(1, 31),
        "Rotations in a row, each over blocks that mix twice as many inputs. PEFT reads an adapter with more than one "
        "only where its CUDA extension can be built.");
  bind_keys(field, adapter.targeting);
  field("boft_dropout", &s.boft_dropout, config::from_to_below(0, 1),
        "Share of the blocks of one rotation that are left as they are in a training pass.");
}

std::vector<Adapted> adapt_layers(const Adapter& adapter, const std::vector<LinearLayer>& layers) {
  const Boft& s = adapter.as<Boft>();
  const std::int64_t factors = s.boft_n_butterfly_factor;
  std::vector<Adapted> adapted;
  for (const std::size_t index : select_layers(adapter.targeting, layers)) {
    const LinearLayer& layer = layers[index];
    const auto [count, size] =
        blocks_of(layer, s.boft_block_size, s.boft_block_num, "boft_block_size", "boft_block_num");
    if (factors > 1 && (count % (std::int64_t{1} << (factors - 1)) != 0 || size % 2 != 0))
      throw Error(Fault::usage,
                  cat("adapter.boft_n_butterfly_factor is ", factors,
                      ", which needs an even block size and a number of "
                      "blocks that ",
                      std::int64_t{1} << (factors - 1), " divides; ", layer.name, " has ", count, " blocks of ", size),
                  "lower boft_n_butterfly_factor, or choose another boft_block_size");
    adapted.push_back({.layer = index,
                       .tensors = {{"boft_R", {factors, count, size, size}}, {"boft_s", {layer.out, 1}}},
                       .kept = layer.out});
  }
  return adapted;
}

}  // namespace

extern const Method kBoft;
const Method kBoft{.name = "boft",
                   .help = "A product of orthogonal matrices, in blocks, that turn a layer's input (arXiv:2311.06243).",
                   .defaults = [](Adapter& s) { s.own = Boft{}; },
                   .bind = &bind_section,
                   .adapt = &adapt_layers,
                   .bias_of_adapted = "boft_only",
                   .fixed = R"({"fan_in_fan_out": false, "init_weights": true,
                                "modules_to_save": null})"};

}  // namespace pst::methods
