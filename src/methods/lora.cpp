// SPDX-License-Identifier: Apache-2.0
#include "peft/adapter_config.hpp"

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "peft/lora_adapter.hpp"

namespace pst::peft {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

std::string last_part(const std::string& name) { return split(name, '.').back(); }

ordered_json targets_json(const recipe::Adapter& adapter, const std::vector<AdaptedModule>& modules) {
  switch (adapter.target_modules.kind) {
    case recipe::Targets::Kind::pattern: return adapter.target_modules.pattern;
    case recipe::Targets::Kind::names: {
      const std::set<std::string> sorted(adapter.target_modules.names.begin(), adapter.target_modules.names.end());
      return sorted;
    }
    case recipe::Targets::Kind::all_linear: break;
  }
  std::set<std::string> sorted;
  for (const auto& module : modules) sorted.insert(last_part(module.name));
  return sorted;
}

}  // namespace

std::string adapter_config_json(const recipe::Adapter& adapter, const std::vector<AdaptedModule>& modules,
                                const std::string& base_model) {
  ordered_json config;
  config["alpha_pattern"] = adapter.alpha_pattern;
  config["auto_mapping"] = nullptr;
  config["base_model_name_or_path"] = base_model;
  config["bias"] = "none";
  if (!adapter.exclude_modules.empty()) config["exclude_modules"] = adapter.exclude_modules;
  config["fan_in_fan_out"] = false;
  config["inference_mode"] = true;
  config["init_lora_weights"] =
      adapter.init_lora_weights == recipe::LoraInit::gaussian ? ordered_json("gaussian") : ordered_json(true);
  config["layers_pattern"] = nullptr;
  config["layers_to_transform"] =
      adapter.layers_to_transform.empty() ? ordered_json() : ordered_json(adapter.layers_to_transform);
  config["lora_alpha"] = adapter.alpha == std::floor(adapter.alpha)
                             ? ordered_json(static_cast<std::int64_t>(adapter.alpha))
                             : ordered_json(adapter.alpha);
  config["lora_dropout"] = adapter.dropout;
  config["modules_to_save"] = nullptr;
  config["peft_type"] = "LORA";
  config["r"] = adapter.r;
  config["rank_pattern"] = adapter.rank_pattern;
  config["revision"] = nullptr;
  config["target_modules"] = targets_json(adapter, modules);
  config["task_type"] = "CAUSAL_LM";
  config["use_rslora"] = adapter.use_rslora;
  return config.dump(2) + "\n";
}

recipe::Adapter read_adapter_config(const std::filesystem::path& folder) {
  const fs::path file = folder / "adapter_config.json";
  return doing(cat("reading ", file.string()), [&] {
    json config;
    try {
      config = json::parse(read_file(file, 1 << 20));
    } catch (const json::parse_error& error) {
      throw Error(Fault::data, cat("not JSON at byte ", error.byte));
    }
    if (!config.is_object()) throw Error(Fault::data, "not a JSON object");
    try {
      if (config.value("peft_type", "") != "LORA")
        throw Error(Fault::data,
                    cat("peft_type is ", config.value("peft_type", "missing"), "; only LORA adapters are read here"));
      for (const char* const flag : {"use_dora", "fan_in_fan_out", "lora_bias", "use_qalora"})
        if (config.contains(flag) && config[flag] == true)
          throw Error(Fault::data, cat(flag, " is true, which is not supported here"));
      if (config.contains("bias") && config["bias"] != "none")
        throw Error(Fault::data, "bias is not \"none\", which is not supported here");
      if (config.contains("modules_to_save") && !config["modules_to_save"].is_null())
        throw Error(Fault::data, "modules_to_save is set, which is not supported here");

      recipe::Adapter adapter;
      adapter.r = config.at("r").get<int>();
      adapter.alpha = config.at("lora_alpha").get<double>();
      adapter.dropout = config.value("lora_dropout", 0.0);
      adapter.use_rslora = config.value("use_rslora", false);
      const auto& targets = config.at("target_modules");
      if (targets.is_string() && targets == "all-linear")
        adapter.target_modules.kind = recipe::Targets::Kind::all_linear;
      else if (targets.is_string())
        adapter.target_modules = {recipe::Targets::Kind::pattern, {}, targets.get<std::string>()};
      else
        adapter.target_modules = {recipe::Targets::Kind::names, targets.get<std::vector<std::string>>(), {}};
      const auto present = [&](const char* key) { return config.contains(key) && !config[key].is_null(); };
      if (present("exclude_modules"))
        adapter.exclude_modules = config["exclude_modules"].get<std::vector<std::string>>();
      if (present("layers_to_transform")) {
        const auto& layers = config["layers_to_transform"];
        adapter.layers_to_transform =
            layers.is_number() ? std::vector<int>{layers.get<int>()} : layers.get<std::vector<int>>();
      }
      if (present("rank_pattern")) adapter.rank_pattern = config["rank_pattern"].get<std::map<std::string, int>>();
      if (present("alpha_pattern"))
        adapter.alpha_pattern = config["alpha_pattern"].get<std::map<std::string, double>>();
      return adapter;
    } catch (const json::exception& error) {
      throw Error(Fault::data, cat("a key is missing or of the wrong type: ", error.what()));
    }
  });
}

void check_same_shape_of_adapter(const recipe::Adapter& stored, const recipe::Adapter& wanted) {
  const auto refuse = [](const char* key, const std::string& has, const std::string& says) {
    throw Error(Fault::usage, cat("the adapter to start from has ", key, " ", has, ", the recipe says ", says),
                cat("write adapter.", key, ": ", has, ", or start from another adapter"));
  };
  if (stored.r != wanted.r) refuse("r", cat(stored.r), cat(wanted.r));
  if (stored.alpha != wanted.alpha) refuse("alpha", number(stored.alpha), number(wanted.alpha));
  if (stored.use_rslora != wanted.use_rslora)
    refuse("use_rslora", stored.use_rslora ? "true" : "false", wanted.use_rslora ? "true" : "false");
}

}  // namespace pst::peft
