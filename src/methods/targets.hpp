// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "families/spec.hpp"
#include "recipe/adapter.hpp"

namespace pst::recipe {

struct LayerName {
  std::string name;             ///< model.layers.0.self_attn.q_proj
  bool is_output_head = false;  ///< not part of `all-linear`
};

/// A layer that gets an adapter, and the adapter's size there.
struct AdaptedLayer {
  std::size_t index = 0;  ///< into the names given
  int r = 0;
  double alpha = 0;
};

/// Which of a model's linear layers the adapter section means, by PEFT's rules: a list holds whole names or their
/// endings after a dot, a single string is a regular expression for the whole name; patterns for r and alpha match an
/// ending.
/// @throws Error(usage) when nothing matches, or a listed name matches nothing
std::vector<AdaptedLayer> select_layers(const Adapter& adapter, const std::vector<LayerName>& layers);

/// A model's linear layers, in its order.
std::vector<LayerName> linear_layers(const families::ModelSpec& model);

}  // namespace pst::recipe
