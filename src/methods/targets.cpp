// SPDX-License-Identifier: Apache-2.0
#include "methods/targets.hpp"

#include <algorithm>
#include <optional>

#include "config/fields.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::config {

/// The words `all-linear` and `default`, a list of name endings, or one regular expression.
template <>
struct YamlValue<methods::Targets> {
  using Kind = methods::Targets::Kind;

  static std::string type() { return "`all-linear`, `default`, list of name endings, or regular expression"; }

  static bool read(const Node& node, methods::Targets& value, const Reading& reading) {
    if (node.kind == Node::Kind::list) {
      std::vector<std::string> names;
      if (!YamlValue<std::vector<std::string>>::read(node, names, reading)) return false;
      for (std::size_t i = 0; i < names.size(); ++i)
        if (names[i].empty()) return reading.inside(cat("[", i, "]")).wrong(node.items[i], "a name");
      value = {.kind = Kind::names, .names = std::move(names)};
      return true;
    }
    std::string text;
    if (!YamlValue<std::string>::read(node, text, reading)) return false;
    if (text == "all-linear") {
      value = {};
      return true;
    }
    if (text == "default") {
      value = {.kind = Kind::family_default, .names = {}, .pattern = {}};
      return true;
    }
    // A pattern must match a layer's whole name, so that one without any special character is a name in the wrong
    // place.
    if (text.find_first_of(".*+?[](){}|^$\\") == std::string::npos)
      return reading.wrong(
          node, "all-linear, default, a list of names, or a regular expression for whole names",
          text.find(',') == std::string::npos ? cat("write [", text, "]") : cat("write [", text, "] as a list"));
    value = {.kind = Kind::pattern, .pattern = std::move(text)};
    return true;
  }

  static Node write(const methods::Targets& value) {
    switch (value.kind) {
      case Kind::all_linear: return Node::scalar("all-linear");
      case Kind::family_default: return Node::scalar("default");
      case Kind::names: return YamlValue<std::vector<std::string>>::write(value.names);
      case Kind::pattern: return Node::string(value.pattern);
    }
    return {};
  }
};

}  // namespace pst::config

namespace pst::methods {
namespace {

void require_use(const std::vector<std::string>& wanted, const std::vector<LinearLayer>& layers, const char* key) {
  for (const auto& ending : wanted) {
    if (std::any_of(layers.begin(), layers.end(),
                    [&](const LinearLayer& layer) { return ends_at_a_dot(layer.name, ending); }))
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

std::optional<std::int64_t> layer_number(const std::string& name) {
  for (const auto& part : split(name, '.'))
    if (const auto number = to_int(part)) return number;
  return std::nullopt;
}

bool ends_at_a_dot(const std::string& name, const std::string& ending) {
  return name == ending || name.ends_with("." + ending);
}

void bind_target_modules(config::Fields& field, Targeting& s) {
  field(
      "target_modules", &s.target_modules,
      "Linear layers to adapt: all but the head, those that PEFT takes by default for the model's family, by the end "
      "of their name, or by a pattern for the whole name. Experts that a router chooses from are meant only where the "
      "word `experts` is in it.");
}
void bind_exclude_modules(config::Fields& field, Targeting& s) {
  field("exclude_modules", &s.exclude_modules, "Layers not to adapt after all, by the end of their name.");
}
void bind_layers_to_transform(config::Fields& field, Targeting& s) {
  field("layers_to_transform", &s.layers_to_transform, config::at_least(0),
        "Indices of the decoder layers to adapt; empty: all.");
}
void bind_keys(config::Fields& field, Targeting& s) {
  bind_target_modules(field, s);
  bind_exclude_modules(field, s);
  bind_layers_to_transform(field, s);
}
bool is_targeting_key(std::string_view key) {
  return key == "target_modules" || key == "exclude_modules" || key == "layers_to_transform" || key == "layers_pattern";
}

std::vector<std::size_t> select_layers(const Targeting& targeting, const std::vector<LinearLayer>& layers,
                                       Embedding embedding) {
  const Targets& targets = targeting.target_modules;
  if (targets.kind == Targets::Kind::family_default &&
      std::none_of(layers.begin(), layers.end(), [](const LinearLayer& layer) { return layer.is_default; }))
    throw Error(Fault::usage, "adapter.target_modules is default, and PEFT has no default for this family of models",
                "write all-linear, or a list of names such as [q_proj, v_proj]");
  if (targets.kind == Targets::Kind::names) require_use(targets.names, layers, "target_modules");
  require_use(targeting.exclude_modules, layers, "exclude_modules");
  if (targets.kind == Targets::Kind::names && targets.names.empty())
    throw Error(Fault::usage, "adapter.target_modules is an empty list", "write all-linear or at least one name");
  constexpr std::string_view kExperts = "experts";
  const auto listed = [&](const std::vector<std::string>& names, const LinearLayer& layer) {
    return std::any_of(names.begin(), names.end(), [&](const std::string& ending) {
      return ends_at_a_dot(layer.name, ending) && (!layer.is_expert || ending.find(kExperts) != ending.npos);
    });
  };
  const bool pattern_means_experts = targets.pattern.find(kExperts) != targets.pattern.npos;
  std::optional<Pattern> pattern;
  if (targets.kind == Targets::Kind::pattern) pattern.emplace("adapter.target_modules", targets.pattern);

  std::vector<std::size_t> chosen;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const LinearLayer& layer = layers[i];
    const std::string& name = layer.name;
    bool wanted = false;
    switch (targets.kind) {
      case Targets::Kind::all_linear: wanted = !layer.is_head && !layer.is_expert && !layer.is_embedding; break;
      case Targets::Kind::family_default: wanted = layer.is_default && !layer.is_expert; break;
      case Targets::Kind::names: wanted = listed(targets.names, layer); break;
      case Targets::Kind::pattern:
        wanted = (!layer.is_expert || pattern_means_experts) && pattern->matches_all(name);
        break;
    }
    if (!wanted || listed(targeting.exclude_modules, layer)) continue;
    if (layer.is_embedding && embedding == Embedding::not_taken)
      throw Error(Fault::usage,
                  cat("adapter.target_modules means ", name, ", the embedding, which this method cannot adapt"),
                  "take it out; adapter.modules_to_save trains it whole, adapter.type: lora adapts it");
    if (const auto& numbers = targeting.layers_to_transform; !numbers.empty()) {
      const auto number = layer_number(name);
      if (!number || std::find(numbers.begin(), numbers.end(), *number) == numbers.end()) continue;
    }
    chosen.push_back(i);
  }
  if (chosen.empty())
    throw Error(Fault::usage, "the adapter section selects no layer of this model",
                "loosen adapter.target_modules, exclude_modules or layers_to_transform");
  return chosen;
}

}  // namespace pst::methods
