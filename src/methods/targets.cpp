// SPDX-License-Identifier: Apache-2.0
#include "recipe/targets.hpp"

#include <algorithm>
#include <optional>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "recipe/pattern.hpp"

namespace pst::recipe {
namespace {

bool ends_at_a_dot(const std::string& name, const std::string& ending) {
  return name == ending || ends_with(name, "." + ending);
}

/// The first number between dots: 12 in model.layers.12.mlp.up_proj.
std::optional<std::int64_t> layer_number(const std::string& name) {
  for (const auto& part : split(name, '.'))
    if (const auto number = to_int(part)) return number;
  return std::nullopt;
}

/// Values by pattern, in the map's order, first match wins.
template <class Value>
class ByPattern {
 public:
  ByPattern(const std::string& key, const std::map<std::string, Value>& values) {
    for (const auto& [name, value] : values) rules_.emplace_back(Pattern(key, name, "(?:.*\\.)?(?:", ")"), value);
  }
  Value of(const std::string& name, Value otherwise) const {
    for (const auto& [pattern, value] : rules_)
      if (pattern.matches_all(name)) return value;
    return otherwise;
  }

 private:
  std::vector<std::pair<Pattern, Value>> rules_;
};

void require_use(const std::vector<std::string>& wanted, const std::vector<LayerName>& layers, const char* key) {
  for (const auto& ending : wanted) {
    if (std::any_of(layers.begin(), layers.end(),
                    [&](const LayerName& layer) { return ends_at_a_dot(layer.name, ending); }))
      continue;
    std::vector<std::string> endings;
    for (const auto& layer : layers) endings.push_back(split(layer.name, '.').back());
    std::sort(endings.begin(), endings.end());
    endings.erase(std::unique(endings.begin(), endings.end()), endings.end());
    const auto close = nearest(ending, endings);
    throw Error(Fault::usage,
                cat("adapter.", key, " names ", quoted(ending), ", and no layer of this model is called so",
                    close ? cat("; did you mean '", *close, "'?") : ""),
                cat("this model has ", join(endings, ", ")));
  }
}

}  // namespace

std::vector<AdaptedLayer> select_layers(const Adapter& adapter, const std::vector<LayerName>& layers) {
  const Targets& targets = adapter.target_modules;
  if (targets.kind == Targets::Kind::names) require_use(targets.names, layers, "target_modules");
  require_use(adapter.exclude_modules, layers, "exclude_modules");
  const auto listed = [](const std::vector<std::string>& names, const std::string& name) {
    return std::any_of(names.begin(), names.end(),
                       [&](const std::string& ending) { return ends_at_a_dot(name, ending); });
  };
  std::optional<Pattern> pattern;
  if (targets.kind == Targets::Kind::pattern) pattern.emplace("adapter.target_modules", targets.pattern);
  const ByPattern<int> ranks("adapter.rank_pattern", adapter.rank_pattern);
  const ByPattern<double> alphas("adapter.alpha_pattern", adapter.alpha_pattern);

  std::vector<AdaptedLayer> chosen;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const auto& [name, is_output_head] = layers[i];
    bool wanted = false;
    switch (targets.kind) {
      case Targets::Kind::all_linear: wanted = !is_output_head; break;
      case Targets::Kind::names: wanted = listed(targets.names, name); break;
      case Targets::Kind::pattern: wanted = pattern->matches_all(name); break;
    }
    if (!wanted || listed(adapter.exclude_modules, name)) continue;
    if (!adapter.layers_to_transform.empty()) {
      const auto number = layer_number(name);
      if (!number || std::find(adapter.layers_to_transform.begin(), adapter.layers_to_transform.end(), *number) ==
                         adapter.layers_to_transform.end())
        continue;
    }
    chosen.push_back({i, ranks.of(name, adapter.r), alphas.of(name, adapter.alpha)});
  }
  if (chosen.empty())
    throw Error(Fault::usage, "the adapter section selects no layer of this model",
                "loosen adapter.target_modules, exclude_modules or layers_to_transform");
  return chosen;
}

std::vector<LayerName> linear_layers(const families::ModelSpec& model) {
  std::vector<LayerName> layers;
  for (const auto& place : families::linears_of(model)) layers.push_back({place.spec->name, place.is_head});
  return layers;
}

}  // namespace pst::recipe
