// SPDX-License-Identifier: Apache-2.0
#include "methods/lora_config.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "methods/biases.hpp"
#include "methods/lora.hpp"
#include "methods/method.hpp"
#include "methods/peft_config.hpp"
#include "methods/peft_targets.hpp"

namespace pst::methods {
namespace {

/// Starts that leave the base as it is. The others move a part of it into A and B: without that the adapter fits
/// nothing.
void require_plain_base(const json::Object& config) {
  const auto init = config.get("init_lora_weights");
  if (!init || !init->is_text()) return;
  const std::string word = init->text();
  for (const char* const plain : {"gaussian", "eva", "orthogonal", "mica"})
    if (word == plain) return;
  init->refuse(
      cat("is ", quoted(word), ": such an adapter belongs to a base that its start has changed"),
      "convert it with PEFT: save_pretrained(DIR, path_initial_model_for_weight_conversion=START), where START "
      "holds the adapter as it was before training");
}

}  // namespace

json::Ordered lora_to_peft(const Adapter& adapter, const std::vector<std::string>& modules) {
  const Lora& s = adapter.as<Lora>();
  const Targeting& t = adapter.targeting;
  json::Ordered config;
  config["alora_invocation_tokens"] =
      s.alora_invocation_tokens.empty() ? json::Ordered() : json::Ordered(s.alora_invocation_tokens);
  config["alpha_pattern"] = s.alpha_pattern;
  config["auto_mapping"] = nullptr;
  config["base_model_name_or_path"] = nullptr;
  config["bias"] = std::string(bias_word(adapter));
  if (s.init_lora_weights == LoraInit::eva) config["eva_config"] = to_peft(s.eva_config);
  if (!t.exclude_modules.empty()) config["exclude_modules"] = t.exclude_modules;
  config["fan_in_fan_out"] = false;
  config["inference_mode"] = true;
  config["init_lora_weights"] = true;
  // LoftQ's belongs to the base as it is quantised wherever it is loaded so: nothing is to be done there.
  if (s.init_lora_weights != LoraInit::kaiming && s.init_lora_weights != LoraInit::loftq)
    config["init_lora_weights"] = word_of(s.init_lora_weights);
  config["layers_pattern"] = nullptr;
  config["layers_to_transform"] =
      t.layers_to_transform.empty() ? json::Ordered() : json::Ordered(t.layers_to_transform);
  config["lora_alpha"] =
      s.alpha == std::floor(s.alpha) ? json::Ordered(static_cast<std::int64_t>(s.alpha)) : json::Ordered(s.alpha);
  config["lora_bias"] = s.lora_bias;
  config["lora_dropout"] = s.dropout;
  config["modules_to_save"] =
      adapter.modules_to_save.empty() ? json::Ordered() : json::Ordered(adapter.modules_to_save);
  config["peft_type"] = "LORA";
  config["r"] = s.r;
  config["rank_pattern"] = s.rank_pattern;
  config["revision"] = nullptr;
  config["target_modules"] = peft_targets(t.target_modules, modules);
  if (!t.target_parameters.empty()) config["target_parameters"] = t.target_parameters;  // older PEFTs lack the key
  config["task_type"] = "CAUSAL_LM";
  config["trainable_token_indices"] = nullptr;
  if (const auto& tokens = s.trainable_token_indices.by_module; !tokens.empty())
    config["trainable_token_indices"] = tokens.size() == 1 && tokens.begin()->first.empty()
                                            ? json::Ordered(tokens.begin()->second)
                                            : json::Ordered(tokens);
  config["use_dora"] = s.use_dora;
  config["use_rslora"] = s.use_rslora;
  return config;
}

Adapter lora_from_peft(const json::Object& config) {
  require_plain_base(config);
  // The last eight are about how A and B start, belong to features that are off, or say how the base is stored.
  refuse_other_keys(config, {"r",
                             "lora_alpha",
                             "lora_dropout",
                             "use_rslora",
                             "use_dora",
                             "lora_bias",
                             "trainable_token_indices",
                             "alora_invocation_tokens",
                             "bias",
                             "rank_pattern",
                             "alpha_pattern",
                             "target_modules",
                             "target_parameters",
                             "exclude_modules",
                             "layers_to_transform",
                             "layers_pattern",
                             "init_lora_weights",
                             "eva_config",
                             "corda_config",
                             "loftq_config",
                             "lora_ga_config",
                             "megatron_core",
                             "qalora_group_size",
                             "ensure_weight_tying",
                             "modules_to_save",
                             "fan_in_fan_out"});

  Adapter adapter;
  if (const auto names = config.get("modules_to_save")) adapter.modules_to_save = names->texts();
  adapter.biases = read_peft_bias(*adapter.method, config);
  Lora& s = adapter.as<Lora>();
  s.r = static_cast<int>(config.needed_size("r", 1 << 20));
  s.alpha = config.needed_positive("lora_alpha");
  if (const auto dropout = config.get("lora_dropout")) s.dropout = dropout->real(0, 1);
  if (const auto init = config.get("init_lora_weights"); init && init->is_text() && init->text() == "mica")
    s.init_lora_weights = LoraInit::mica;  // whose B is not trained
  s.use_rslora = config.flag("use_rslora");
  s.use_dora = config.flag("use_dora");
  s.lora_bias = config.flag("lora_bias");
  if (const auto tokens = config.get("trainable_token_indices")) {
    if (tokens->is_list()) {
      if (const auto ids = tokens->wholes(); !ids.empty()) s.trainable_token_indices.by_module[""] = ids;
    } else {
      for (const auto& [module, ids] : tokens->object().members())
        s.trainable_token_indices.by_module[module] = ids.wholes();
    }
  }
  if (const auto tokens = config.get("alora_invocation_tokens")) s.alora_invocation_tokens = tokens->wholes();
  adapter.targeting = read_peft_targeting(config);
  if (const auto names = config.get("target_parameters")) adapter.targeting.target_parameters = names->texts();
  if (const auto ranks = config.get("rank_pattern"))
    for (const auto& [name, rank] : ranks->object().members())
      s.rank_pattern[name] = static_cast<int>(rank.whole(1, 1 << 20));
  if (const auto alphas = config.get("alpha_pattern"))
    for (const auto& [name, alpha] : alphas->object().members()) s.alpha_pattern[name] = alpha.positive();
  return adapter;
}

void check_lora_start(const Adapter& stored_adapter, const Adapter& wanted_adapter) {
  const Lora &stored = stored_adapter.as<Lora>(), &wanted = wanted_adapter.as<Lora>();
  const auto refuse = [](const char* key, const std::string& has, const std::string& says) {
    throw Error(Fault::usage, cat("the adapter to start from has ", key, " ", has, ", the recipe says ", says),
                cat("write adapter.", key, ": ", has, ", or start from another adapter"));
  };
  const auto names_of = [](const Adapter& adapter) {
    std::vector<std::string> names = adapter.targeting.target_parameters;
    std::sort(names.begin(), names.end());
    return cat("[", join(names, ", "), "]");
  };
  if (names_of(stored_adapter) != names_of(wanted_adapter))
    refuse("target_parameters", names_of(stored_adapter), names_of(wanted_adapter));
  if (stored.r != wanted.r) refuse("r", cat(stored.r), cat(wanted.r));
  if (stored.alpha != wanted.alpha) refuse("alpha", number(stored.alpha), number(wanted.alpha));
  if (stored.use_rslora != wanted.use_rslora)
    refuse("use_rslora", stored.use_rslora ? "true" : "false", wanted.use_rslora ? "true" : "false");
  if (stored.use_dora != wanted.use_dora)
    refuse("use_dora", stored.use_dora ? "true" : "false", wanted.use_dora ? "true" : "false");
  if (stored.lora_bias != wanted.lora_bias)
    refuse("lora_bias", stored.lora_bias ? "true" : "false", wanted.lora_bias ? "true" : "false");
  if (!(stored.trainable_token_indices == wanted.trainable_token_indices))
    throw Error(Fault::usage, "the adapter to start from has other trainable_token_indices than the recipe",
                "write adapter.trainable_token_indices as its adapter_config.json does, or start from another adapter");
  if (stored.alora_invocation_tokens != wanted.alora_invocation_tokens)
    throw Error(Fault::usage, "the adapter to start from has other alora_invocation_tokens than the recipe",
                "write adapter.alora_invocation_tokens as its adapter_config.json does, or start from another adapter");
  const auto shown = [](const auto& pattern) { return json::Value(pattern).dump(); };
  if (stored.rank_pattern != wanted.rank_pattern)
    refuse("rank_pattern", shown(stored.rank_pattern), shown(wanted.rank_pattern));
  if (stored.alpha_pattern != wanted.alpha_pattern)
    refuse("alpha_pattern", shown(stored.alpha_pattern), shown(wanted.alpha_pattern));
}

}  // namespace pst::methods
