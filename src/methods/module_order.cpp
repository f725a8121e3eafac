// SPDX-License-Identifier: Apache-2.0
#include "methods/module_order.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <string_view>
#include <tuple>

namespace pst::methods {
namespace {

/// What transformers 5.23 has in another order than LinearLayer lists, which is q, k, v, o, MLP. A row holds in models
/// that have a layer of the name `where`.
struct Exception {
  std::string_view where, name;
  int place;  ///< within its decoder layer; 0: after those below it, as listed
};
constexpr Exception kExceptions[] = {
    {".self_attn.qkv_proj", ".self_attn.o_proj", -1},               // phi3
    {".linear_attn.in_proj_z", ".linear_attn.out_proj", -1},        // qwen3_5
    {".shared_mlp.input_linear", ".shared_mlp.input_linear", -2},   // granitemoehybrid
    {".shared_mlp.input_linear", ".shared_mlp.output_linear", -1},  //
    {".self_attn.out_proj", ".self_attn.k_proj", -3},               // opt
    {".self_attn.out_proj", ".self_attn.v_proj", -2},               //
    {".self_attn.out_proj", ".self_attn.q_proj", -1},               //
    {".decoder.project_out", ".decoder.project_out", -2},           //
    {".decoder.project_out", ".decoder.project_in", -1},            //
};

}  // namespace

std::vector<std::size_t> in_module_order(const std::vector<LinearLayer>& layers, const std::vector<Adapted>& adapted) {
  std::vector<Exception> exceptions;
  for (const Exception& row : kExceptions)
    if (std::any_of(layers.begin(), layers.end(), [&](const auto& layer) { return layer.name.ends_with(row.where); }))
      exceptions.push_back(row);
  const auto place = [&](std::size_t i) {
    const std::string& name = layers[adapted[i].layer].name;
    const auto row =
        std::find_if(exceptions.begin(), exceptions.end(), [&](const Exception& e) { return name.ends_with(e.name); });
    const int within = row == exceptions.end() ? 0 : row->place;
    // What belongs to no decoder layer comes before them or behind.
    constexpr std::int64_t kBehind = std::numeric_limits<std::int64_t>::max();
    return std::tuple(layer_number(name).value_or(within < 0 ? -1 : kBehind), within, i);
  };
  std::vector<std::size_t> order(adapted.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return place(a) < place(b); });
  return order;
}

}  // namespace pst::methods
