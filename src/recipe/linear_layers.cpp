// SPDX-License-Identifier: Apache-2.0
#include "recipe/linear_layers.hpp"

namespace pst::recipe {

std::vector<methods::LinearLayer> linear_layers(const families::ModelSpec& model) {
  std::vector<methods::LinearLayer> layers;
  for (const auto& [linear, layer, is_head, is_expert] : families::linears_of(model))
    layers.push_back({linear->name, linear->out, linear->in, is_head, is_expert});
  return layers;
}

}  // namespace pst::recipe
