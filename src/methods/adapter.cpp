// SPDX-License-Identifier: Apache-2.0
#include "recipe/adapter.hpp"

#include "config/fields.hpp"
#include "core/strings.hpp"
#include "recipe/text_checks.hpp"

namespace pst::config {

/// The word `all-linear`, a list of name endings, or one regular expression.
template <>
struct YamlValue<recipe::Targets> {
  using Kind = recipe::Targets::Kind;

  static std::string type() { return "`all-linear`, list of name endings, or regular expression"; }

  static bool read(const Node& node, recipe::Targets& value, const Reading& reading) {
    if (node.kind == Node::Kind::list) {
      std::vector<std::string> names;
      if (node.items.empty()) return reading.wrong(node, "all-linear or at least one name");
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
    // A pattern must match a layer's whole name, so that one without any special character is a name in the wrong
    // place.
    if (text.find_first_of(".*+?[](){}|^$\\") == std::string::npos)
      return reading.wrong(
          node, "all-linear, a list of names, or a regular expression for whole names",
          text.find(',') == std::string::npos ? cat("write [", text, "]") : cat("write [", text, "] as a list"));
    value = {.kind = Kind::pattern, .pattern = std::move(text)};
    return true;
  }

  static Node write(const recipe::Targets& value) {
    switch (value.kind) {
      case Kind::all_linear: return Node::scalar("all-linear");
      case Kind::names: return YamlValue<std::vector<std::string>>::write(value.names);
      case Kind::pattern: return Node::string(value.pattern);
    }
    return {};
  }
};

}  // namespace pst::config

namespace pst::recipe {

std::vector<std::pair<const char*, AdapterType>> words_of(AdapterType) { return {{"lora", AdapterType::lora}}; }

std::vector<std::pair<const char*, LoraInit>> words_of(LoraInit) {
  return {{"true", LoraInit::kaiming}, {"gaussian", LoraInit::gaussian}};
}

void bind(config::Fields& field, Adapter& s) {
  using config::Absent;
  field("type", &s.type, "Method, by PEFT's name for it.");
  field("r", &s.r, config::at_least(1), "Rank of the update BA.");
  field("alpha", &s.alpha, config::above(0), "The update is scaled by alpha / r.");
  field("dropout", &s.dropout, config::from_to_below(0, 1), "Chance of zeroing an input feature before A.");
  field("target_modules", &s.target_modules,
        "Linear layers to adapt: all but the head, by the end of their name, or by a pattern for the whole name.");
  field("exclude_modules", &s.exclude_modules, "Layers not to adapt after all, by the end of their name.");
  field("layers_to_transform", &s.layers_to_transform, config::at_least(0),
        "Indices of the decoder layers to adapt; empty: all.");
  field("rank_pattern", &s.rank_pattern, config::at_least(1),
        "Another r for some layers, by name ending or regular expression.");
  field("alpha_pattern", &s.alpha_pattern, config::above(0), "Another alpha for some layers, likewise.");
  field("use_rslora", &s.use_rslora, "Scale by alpha / sqrt(r) instead (arXiv:2312.03732).");
  field("init_lora_weights", &s.init_lora_weights,
        "How A starts: `true` is Kaiming uniform, `gaussian` normal with standard deviation 1 / r. B starts at zero.");
  field("init_from", &s.init_from, Absent::null, path(), "PEFT adapter folder whose weights to start from.");
}

}  // namespace pst::recipe
