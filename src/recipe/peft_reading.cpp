// SPDX-License-Identifier: Apache-2.0
#include "recipe/peft_reading.hpp"

#include <algorithm>
#include <set>

#include "core/strings.hpp"
#include "families/peft_names.hpp"
#include "methods/method.hpp"
#include "recipe/linear_layers.hpp"

namespace pst::recipe {

std::vector<std::string> misread_targets(const methods::Adapter& adapter, const families::ModelSpec& model) {
  const auto experts = families::peft_expert_names(model.model_type);
  if (experts.empty()) return {};
  const auto layers = places_of(model).linears;
  std::set<std::string> misread;
  for (const auto& adapted : methods::adapt(adapter, layers)) {
    if (!adapted.stack_module.empty()) continue;
    const std::string ending = split(layers[adapted.layer].name, '.').back();
    if (std::find(experts.begin(), experts.end(), ending) != experts.end()) misread.insert(ending);
  }
  return {misread.begin(), misread.end()};
}

}  // namespace pst::recipe
