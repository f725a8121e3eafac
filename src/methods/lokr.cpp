// SPDX-License-Identifier: Apache-2.0
#include "methods/lokr.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "config/fields.hpp"
#include "methods/method.hpp"

namespace pst::methods {
namespace {

void bind_section(config::Fields& field, Adapter& adapter) {
  Lokr& s = adapter.as<Lokr>();
  field("r", &s.r, config::at_least(1), "Rank of the larger factor of the update.");
  field("alpha", &s.alpha, config::above(0), "The update is scaled by alpha / r.");
  bind_keys(field, adapter.targeting);
  bind_keys(field, s.patterns);
  field("rank_dropout", &s.rank_dropout, config::from_to_below(0, 1), "Chance of zeroing a row of the update.");
  field("module_dropout", &s.module_dropout, config::from_to_below(0, 1), "Chance of leaving out a layer's update.");
  field("decompose_both", &s.decompose_both, "The smaller factor is a product of rank r too, where that is smaller.");
  field("decompose_factor", &s.decompose_factor, config::at_least(-1),
        "Size of the smaller factor, where it divides the layer's; -1: near the square root.");
  field("rank_dropout_scale", &s.rank_dropout_scale, "Divide what rank_dropout left by the share that it left.");
}

/// Two factors of a size: `factor` first where it divides it, else the pair nearest to the square root whose first is
/// the smaller and at most `factor`. As LyCORIS finds them.
std::pair<std::int64_t, std::int64_t> factors_of(std::int64_t size, std::int64_t factor) {
  if (factor > 0 && size % factor == 0) return {factor, size / factor};
  if (factor == -1) factor = size;
  std::int64_t m = 1, n = size, length = m + n;
  while (m < n) {
    std::int64_t next_m = m + 1;
    while (size % next_m != 0) ++next_m;
    const std::int64_t next_n = size / next_m;
    if (next_m + next_n > length || next_m > factor) break;
    m = next_m;
    n = next_n;
  }
  return {std::min(m, n), std::max(m, n)};
}

std::vector<Adapted> adapt_layers(const Adapter& adapter, const std::vector<LinearLayer>& layers) {
  const Lokr& s = adapter.as<Lokr>();
  const RankOf of_layer(s.patterns, s.r, s.alpha);
  std::vector<Adapted> adapted;
  for (const std::size_t index : select_layers(adapter.targeting, layers)) {
    const std::int64_t out = layers[index].out, in = layers[index].in, r = of_layer.r(layers[index]);
    const auto [out_1, out_2] = factors_of(out, s.decompose_factor);
    const auto [in_1, in_2] = factors_of(in, s.decompose_factor);
    Adapted of{.layer = index,
               .tensors = {},
               .scale = of_layer.alpha(layers[index]) / static_cast<double>(r),
               .made = 2 * out * in};
    const auto factor = [&](const std::string& name, std::int64_t rows, std::int64_t columns, bool whole) {
      if (whole) {
        of.tensors.push_back({name, {rows, columns}});
      } else {
        of.tensors.push_back({name + "_a", {rows, r}});
        of.tensors.push_back({name + "_b", {r, columns}});
      }
    };
    factor("lokr_w1", out_1, in_1, !(s.decompose_both && 2 * r < std::max(out_1, in_1)));
    factor("lokr_w2", out_2, in_2, 2 * r >= std::max(out_2, in_2));
    adapted.push_back(std::move(of));
  }
  return adapted;
}

}  // namespace

extern const Method kLokr;
const Method kLokr{.name = "lokr",
                   .help = "The Kronecker product of a small matrix and a low-rank one (arXiv:2309.14859).",
                   .defaults = [](Adapter& s) { s.own = Lokr{}; },
                   .bind = &bind_section,
                   .adapt = &adapt_layers,
                   .fixed = R"({"init_weights": true, "modules_to_save": null,
                                "use_effective_conv2d": false})"};

}  // namespace pst::methods
