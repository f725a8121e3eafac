// SPDX-License-Identifier: Apache-2.0
#include "methods/ia3.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "config/fields.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "methods/method.hpp"
#include "methods/peft_config.hpp"
#include "methods/peft_targets.hpp"

namespace pst::methods {
namespace {

/// As PEFT's table has them for decoders of this kind.
void set_defaults(Adapter& s) {
  s.own = Ia3{};
  s.targeting.target_modules = {Targets::Kind::names, {"k_proj", "v_proj", "down_proj"}, {}};
}

void bind_section(config::Fields& field, Adapter& adapter) {
  bind_keys(field, adapter.targeting);
  field("feedforward_modules", &adapter.as<Ia3>().feedforward_modules,
        "Those of the layers whose input is scaled, by the end of their name; the others' output is.");
}

std::vector<Adapted> adapt_layers(const Adapter& adapter, const std::vector<LinearLayer>& layers) {
  if (adapter.targeting.target_modules.kind == Targets::Kind::family_default)
    throw Error(Fault::usage, "adapter.target_modules: default is for adapter.type: lora",
                "leave target_modules out, or write names");
  std::vector<Adapted> adapted;
  for (const std::size_t index : select_layers(adapter.targeting, layers)) {
    const LinearLayer& layer = layers[index];
    if (scales_input(adapter, layer.name))
      adapted.push_back({.layer = index, .tensors = {{kIa3, {1, layer.in}}}});
    else
      adapted.push_back({.layer = index, .tensors = {{kIa3, {layer.out, 1}}}, .keeps_input = false, .kept = layer.out});
  }
  return adapted;
}

/// @see huggingface/peft src/peft/tuners/ia3/config.py
json::Ordered to_peft(const Adapter& adapter, const std::vector<std::string>& modules) {
  const Targeting& t = adapter.targeting;
  if (!t.layers_to_transform.empty())
    throw Error(Fault::usage, "PEFT's IA3 has no layers_to_transform", "say the layers with adapter.target_modules");
  auto feedforward = adapter.as<Ia3>().feedforward_modules;
  std::sort(feedforward.begin(), feedforward.end());
  return {
      {"auto_mapping", nullptr},
      {"base_model_name_or_path", nullptr},
      {"exclude_modules", t.exclude_modules.empty() ? json::Ordered() : json::Ordered(t.exclude_modules)},
      {"fan_in_fan_out", false},
      {"feedforward_modules", feedforward},
      {"inference_mode", true},
      {"init_ia3_weights", true},
      {"modules_to_save", adapter.modules_to_save.empty() ? json::Ordered() : json::Ordered(adapter.modules_to_save)},
      {"peft_type", "IA3"},
      {"revision", nullptr},
      {"target_modules", peft_targets(t.target_modules, modules)},
      {"task_type", "CAUSAL_LM"}};
}

Adapter from_peft(const json::Object& config) {
  refuse_other_keys(
      config, {"target_modules", "exclude_modules", "feedforward_modules", "init_ia3_weights", "modules_to_save"});
  Adapter adapter(*methods::find("ia3"));
  adapter.targeting = read_peft_targeting(config);
  if (const auto names = config.get("modules_to_save")) adapter.modules_to_save = names->texts();
  if (const auto names = config.get("feedforward_modules"))
    adapter.as<Ia3>().feedforward_modules = names->is_text() ? std::vector{names->text()} : names->texts();
  return adapter;
}

void check_start(const Adapter& stored, const Adapter& wanted) {
  const auto sorted = [](const Adapter& adapter) {
    const auto& names = adapter.as<Ia3>().feedforward_modules;
    return std::set<std::string>(names.begin(), names.end());
  };
  if (sorted(stored) == sorted(wanted)) return;
  throw Error(Fault::usage, "the adapter to start from has other feedforward_modules than the recipe",
              "write adapter.feedforward_modules as its adapter_config.json does, or start from another adapter");
}

}  // namespace

bool scales_input(const Adapter& adapter, const std::string& layer) {
  const auto& names = adapter.as<Ia3>().feedforward_modules;
  return std::any_of(names.begin(), names.end(), [&](const auto& ending) { return ends_at_a_dot(layer, ending); });
}

extern const Method kIa3Method;
const Method kIa3Method{.name = "ia3",
                        .help = "A learned factor for each output, or input, of a layer (Liu et al. 2022).",
                        .defaults = &set_defaults,
                        .bind = &bind_section,
                        .adapt = &adapt_layers,
                        .peft_config = &to_peft,
                        .read_peft_config = &from_peft,
                        .check_start = &check_start};

}  // namespace pst::methods
