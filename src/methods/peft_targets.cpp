// SPDX-License-Identifier: Apache-2.0
#include "methods/peft_targets.hpp"

#include <nlohmann/json.hpp>
#include <set>

#include "core/strings.hpp"

namespace pst::methods {

json::Ordered peft_targets(const Targets& targets, const std::vector<std::string>& modules) {
  std::set<std::string> sorted;
  switch (targets.kind) {
    case Targets::Kind::pattern: return targets.pattern;
    case Targets::Kind::names: sorted = {targets.names.begin(), targets.names.end()}; break;
    case Targets::Kind::all_linear:
    case Targets::Kind::family_default:
      for (const auto& module : modules) sorted.insert(split(module, '.').back());
      break;
  }
  return sorted;
}

Targeting read_peft_targeting(const json::Object& config) {
  Targeting targeting;
  const bool has_parameters = config.get("target_parameters").has_value();  // then there need be no modules
  if (has_parameters && !config.get("target_modules")) {
    targeting.target_modules = {Targets::Kind::names, {}, {}};
  } else if (const json::Node targets = config.at("target_modules"); !targets.is_text()) {
    targeting.target_modules = {Targets::Kind::names, targets.texts(), {}};
  } else if (const std::string text = targets.text(); text != "all-linear") {
    targeting.target_modules = {Targets::Kind::pattern, {}, text};
  }
  // PEFT takes the number after it for the layer's; in the models here it is always this word.
  if (const auto pattern = config.get("layers_pattern"))
    for (const std::string& word : pattern->is_text() ? std::vector{pattern->text()} : pattern->texts())
      if (!word.empty() && word != "layers") pattern->refuse("is another word than \"layers\"");
  if (const auto excluded = config.get("exclude_modules")) targeting.exclude_modules = excluded->texts();
  if (const auto layers = config.get("layers_to_transform")) {
    if (!layers->is_list()) {
      targeting.layers_to_transform = {static_cast<int>(layers->whole(0, 1 << 20))};
    } else {
      for (const std::int64_t layer : layers->wholes(0, 1 << 20))
        targeting.layers_to_transform.push_back(static_cast<int>(layer));
    }
  }
  return targeting;
}

}  // namespace pst::methods
