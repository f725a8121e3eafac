// SPDX-License-Identifier: Apache-2.0
#include "methods/declared.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "config/parse_yaml.hpp"
#include "config/print.hpp"
#include "config/reader.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "methods/biases.hpp"
#include "methods/method.hpp"
#include "methods/peft_config.hpp"
#include "methods/peft_targets.hpp"

namespace pst::methods {
namespace {

using config::Node;

json::Ordered json_of(const Node& node) {
  switch (node.kind) {
    case Node::Kind::null: return nullptr;
    case Node::Kind::scalar:
      if (!node.quoted) {
        json::Ordered value;
        if (!json::read(node.text, value)) return value;  // a number, true, false
      }
      return node.text;
    case Node::Kind::list: {
      json::Ordered list = json::Ordered::array();
      for (const Node& item : node.items) list.push_back(json_of(item));
      return list;
    }
    case Node::Kind::map: {
      json::Ordered map = json::Ordered::object();
      for (const auto& [key, mark, value] : node.entries) map[key] = json_of(value);
      return map;
    }
  }
  return nullptr;
}

/// What the method declares, as it would stand in a recipe.
Node declared(const Adapter& adapter) {
  Adapter copy = adapter;
  return config::write_section([&](config::Fields& fields) { copy.method->bind(fields, copy); });
}

/// Its own keys: not those that choose layers.
std::map<std::string, json::Ordered> own_keys(const Adapter& adapter) {
  std::map<std::string, json::Ordered> keys;
  const Node section = declared(adapter);
  for (const auto& entry : section.entries)
    if (!is_targeting_key(entry.key)) keys[entry.key] = json_of(entry.value);
  return keys;
}

json::Value fixed_keys(const Method& method) {
  return method.fixed.empty() ? json::Value::object() : json::parse(std::string(method.fixed), "fixed keys");
}

std::string upper(std::string_view text) {
  std::string all(text);
  for (char& c : all)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return all;
}

/// How the base's matrices lie: PEFT sets it where they are transposed (GPT-2), and computes the same.
bool is_of_the_base(const std::string& key) { return key == "fan_in_fan_out"; }

/// Of methods that are not layers: what PEFT writes of the model, and of whoever made the start.
bool is_of_the_model(const std::string& key) {
  return key == "num_attention_heads" || key == "num_layers" || key == "num_transformer_submodules" ||
         key == "token_dim" || key.starts_with("tokenizer_");
}

bool is_about_start(const std::string& key) { return key.starts_with("init_") || key.ends_with("_init"); }

}  // namespace

json::Ordered declared_config(const Adapter& adapter, const std::vector<std::string>& modules) {
  const Targeting& t = adapter.targeting;
  std::map<std::string, json::Ordered> all = own_keys(adapter);
  bool chooses_layers = false;
  const Node section = declared(adapter);
  for (const auto& entry : section.entries) {
    const auto list = [](const auto& values) { return values.empty() ? json::Ordered() : json::Ordered(values); };
    if (entry.key == "target_modules") all[entry.key] = peft_targets(t.target_modules, modules);
    if (entry.key == "exclude_modules") all[entry.key] = list(t.exclude_modules);
    if (entry.key == "layers_to_transform") {
      all[entry.key] = list(t.layers_to_transform);
      all["layers_pattern"] = nullptr;
      chooses_layers = true;
    }
  }
  PST_ASSERT(chooses_layers || t.layers_to_transform.empty(), "only what the method binds is set");
  const json::Value fixed = fixed_keys(*adapter.method);
  for (const auto& [key, value] : fixed.items()) all[key] = value;
  if (!adapter.modules_to_save.empty()) all["modules_to_save"] = adapter.modules_to_save;
  if (takes_bias(*adapter.method)) all["bias"] = std::string(bias_word(adapter));
  for (const char* const key : {"auto_mapping", "base_model_name_or_path", "revision"}) all[key] = nullptr;
  all["inference_mode"] = true;
  all["task_type"] = "CAUSAL_LM";
  all["peft_type"] = upper(adapter.method->name);
  json::Ordered config = json::Ordered::object();
  for (auto& [key, value] : all) config[key] = std::move(value);
  return config;
}

Adapter read_declared(const Method& method, const json::Object& config,
                      std::initializer_list<std::string_view> elsewhere) {
  Adapter adapter(method);
  const auto own = own_keys(adapter);
  const auto fixed = fixed_keys(method);
  const bool targets = declared(adapter).find("target_modules") != nullptr;
  if (targets) adapter.targeting = read_peft_targeting(config);
  if (const auto names = config.get("modules_to_save"); names && fixed.contains("modules_to_save"))
    adapter.modules_to_save = names->texts();
  if (takes_bias(method)) adapter.biases = read_peft_bias(method, config);
  for (const auto& [key, node] : config.members()) {
    const auto is_key = [&key = key](std::string_view other) { return other == key; };
    if (std::any_of(elsewhere.begin(), elsewhere.end(), is_key)) continue;
    if (is_of_every_method(key) || is_of_the_model(key) || is_of_the_base(key) || (targets && is_targeting_key(key)) ||
        (key == "modules_to_save" && fixed.contains(key)) || (key == "bias" && takes_bias(method)))
      continue;
    if (own.contains(key)) {
      if (node.value().is_null()) continue;
      config::Problems problems;
      const auto yaml = config::parse_yaml(json::Value{{key, node.value()}}.dump(), node.place(), problems);
      config::read_section(
          yaml, [&](config::Fields& fields) { method.bind(fields, adapter); }, problems);
      if (!problems.empty()) {
        const std::string line = problems.lines().front();
        const auto reason = line.find(cat(key, " "));
        node.refuse(reason == line.npos ? line : line.substr(reason + key.size() + 1));
      }
    } else if (!says_nothing(node.value()) && !is_about_start(key) &&
               (!fixed.contains(key) || fixed.at(key) != node.value())) {
      node.refuse(cat("is ", json::shown(node.value()), ", which is not supported here"),
                  "take another adapter, or remove the key if what the adapter computes does not depend on it");
    }
  }
  return adapter;
}

void require_declared(const Adapter& stored, const Adapter& wanted) {
  const auto has = own_keys(stored), says = own_keys(wanted);
  for (const auto& [key, value] : says) {
    if (is_about_start(key) || key.ends_with("dropout")) continue;
    const json::Ordered& other = has.at(key);
    if (other == value) continue;
    throw Error(Fault::usage,
                cat("the adapter to start from has ", key, " ", other.dump(), ", the recipe says ", value.dump()),
                cat("write adapter.", key, ": ", other.dump(), ", or start from another adapter"));
  }
}

}  // namespace pst::methods
