// SPDX-License-Identifier: Apache-2.0
#include "recipe/linear_layers.hpp"

#include <algorithm>

#include "families/peft_names.hpp"

namespace pst::recipe {

std::vector<methods::LinearLayer> linear_layers(const families::ModelSpec& model) {
  const auto defaults = families::peft_default_targets(model.model_type);
  std::vector<methods::LinearLayer> layers;
  for (const auto& [linear, layer, is_head, is_expert] : families::linears_of(model)) {
    const bool is_default = std::any_of(
        defaults.begin(), defaults.end(),
        [name = linear->name](std::string_view ending) { return methods::ends_at_a_dot(name, std::string(ending)); });
    layers.push_back({linear->name, linear->out, linear->in, is_head, is_default, is_expert});
  }
  return layers;
}

}  // namespace pst::recipe
