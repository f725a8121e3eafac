// SPDX-License-Identifier: Apache-2.0
#include "methods/lora.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "config/fields.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "methods/biases.hpp"
#include "methods/method.hpp"
#include "methods/peft_config.hpp"
#include "methods/peft_targets.hpp"
#include "methods/stacks.hpp"

namespace pst::config {

/// Ids of the embedding's tokens, or lists of ids by the module that has their rows.
template <>
struct YamlValue<methods::TokenIndices> {
  using Ids = YamlValue<std::vector<std::int64_t>>;
  using ByModule = YamlValue<std::map<std::string, std::vector<std::int64_t>>>;
  static std::string type() { return "list of integer, or map from text to such lists"; }
  static bool read(const Node& node, methods::TokenIndices& value, const Reading& reading) {
    if (node.kind != Node::Kind::list) return ByModule::read(node, value.by_module, reading);
    std::vector<std::int64_t> ids;
    if (!Ids::read(node, ids, reading)) return false;
    value.by_module.clear();
    if (!ids.empty()) value.by_module[""] = std::move(ids);
    return true;
  }
  static Node write(const methods::TokenIndices& value) {
    if (value.by_module.empty()) return Ids::write({});
    const auto& [name, ids] = *value.by_module.begin();
    return value.by_module.size() == 1 && name.empty() ? Ids::write(ids) : ByModule::write(value.by_module);
  }
};

}  // namespace pst::config

namespace pst::methods {

std::vector<std::pair<const char*, LoraInit>> words_of(LoraInit) {
  return {{"true", LoraInit::kaiming},
          {"gaussian", LoraInit::gaussian},
          {"orthogonal", LoraInit::orthogonal},
          {"pissa", LoraInit::pissa},
          {"pissa_niter_4", LoraInit::pissa_niter_4},
          {"pissa_niter_16", LoraInit::pissa_niter_16},
          {"olora", LoraInit::olora},
          {"loftq", LoraInit::loftq},
          {"mica", LoraInit::mica},
          {"eva", LoraInit::eva},
          {"corda", LoraInit::corda},
          {"lora_ga", LoraInit::lora_ga}};
}
std::string word_of(LoraInit init) {
  for (const auto& [word, value] : words_of(init))
    if (value == init) return word;
  return {};
}

bool moves_base(LoraInit init) {
  return init != LoraInit::kaiming && init != LoraInit::gaussian && init != LoraInit::orthogonal &&
         init != LoraInit::loftq && init != LoraInit::mica && init != LoraInit::eva;
}
bool reads_data(LoraInit init) { return init == LoraInit::eva || init == LoraInit::corda || init == LoraInit::lora_ga; }

namespace {

void bind_section(config::Fields& field, Adapter& adapter) {
  Lora& s = adapter.as<Lora>();
  field("r", &s.r, config::at_least(1), "Rank of the update BA.");
  field("alpha", &s.alpha, config::above(0), "The update is scaled by alpha / r.");
  field("dropout", &s.dropout, config::from_to_below(0, 1), "Chance of zeroing an input feature before A.");
  bind_keys(field, adapter.targeting);
  field("target_parameters", &adapter.targeting.target_parameters,
        "Parameters that hold all experts of a layer, by the end of their name in transformers 5: one A and B for all, "
        "of rank r for each. The other keys that choose layers say nothing of them; with `target_modules: []` nothing "
        "else is adapted.");
  field("rank_pattern", &s.rank_pattern, config::at_least(1),
        "Another r for some layers, by name ending or regular expression.");
  field("alpha_pattern", &s.alpha_pattern, config::above(0), "Another alpha for some layers, likewise.");
  field("use_rslora", &s.use_rslora, "Scale by alpha / sqrt(r) instead (arXiv:2312.03732).");
  field("init_lora_weights", &s.init_lora_weights,
        "How A and B start: `true` is Kaiming uniform, `gaussian` normal with standard deviation 1 / r, both with B "
        "zero; `orthogonal` has products of zero; `pissa` the largest singular values of the base (arXiv:2404.02948), "
        "`pissa_niter_4` and `_16` by a faster way, `olora` its QR factors (arXiv:2406.01775): these three leave the "
        "base without that part, and the adapter is written with it, as a plain one of twice the rank; `loftq` "
        "the largest singular values of what quantising the base has lost (arXiv:2310.08659); `mica` has the "
        "directions of the smallest in B, which is not trained (arXiv:2604.01694). Over the training's first batches: "
        "`eva` has the directions in which inputs vary most, and gives layers ranks by how much that explains "
        "(arXiv:2410.07170); `corda` singular values of the base times its inputs' covariance (arXiv:2406.05223) and "
        "`lora_ga` those of the base's gradient (arXiv:2407.05000), which both leave the base without the part");
  field("loftq_config", &s.loftq_config,
        "Of `init_lora_weights: loftq`: 4 bits (NF4) or 8 (INT8), as the base has; one round.");
  if (s.lists_every_key || s.init_lora_weights == LoraInit::eva)
    field("eva_config", &s.eva_config, "Of `init_lora_weights: eva`.");
  if (s.lists_every_key || s.init_lora_weights == LoraInit::corda)
    field("corda_config", &s.corda_config, "Of `init_lora_weights: corda`.");
  if (s.lists_every_key || s.init_lora_weights == LoraInit::lora_ga)
    field("lora_ga_config", &s.lora_ga_config, "Of `init_lora_weights: lora_ga`.");
  field("use_dora", &s.use_dora, "Scale each output to a learned size: DoRA (arXiv:2402.09353).");
  field("lora_bias", &s.lora_bias, "B has a trained bias.");
  field("trainable_token_indices", &s.trainable_token_indices, config::at_least(0),
        "Tokens whose rows of the embedding are trained besides; or, by module, rows of embed_tokens and lm_head.");
  field("alora_invocation_tokens", &s.alora_invocation_tokens, config::at_least(0),
        "Activated LoRA (arXiv:2504.12397): the update acts from the last occurrence of these tokens on, in each "
        "document; a document without them has the base alone");
}

/// What acts on some rows alone cannot go with what changes the base for all.
void require_activated(const Lora& s) {
  if (s.alora_invocation_tokens.empty()) return;
  const char* const other = s.use_dora                        ? "use_dora"
                            : s.lora_bias                     ? "lora_bias"
                            : moves_base(s.init_lora_weights) ? "init_lora_weights, whose start changes the base,"
                                                              : nullptr;
  if (other)
    throw Error(Fault::usage, cat("adapter.alora_invocation_tokens and adapter.", other, " do not go together"),
                "take one of them out");
}

/// @throws Error(usage) for what PEFT has for single layers only
void require_plain(const Lora& s) {
  const auto refuse = [](const std::string& key, const char* remedy) {
    throw Error(Fault::usage, cat("adapter.target_parameters does not go together with adapter.", key, ", as in PEFT"),
                remedy);
  };
  if (s.dropout > 0) refuse(cat("dropout: ", number(s.dropout)), "set it to 0");
  if (s.use_dora) refuse("use_dora", "take one of them out");
  if (s.lora_bias) refuse("lora_bias", "take one of them out");
  if (s.init_lora_weights != LoraInit::kaiming && s.init_lora_weights != LoraInit::gaussian)
    throw Error(Fault::usage, "adapter.target_parameters needs adapter.init_lora_weights: true or gaussian",
                "the other starts are of single layers");
}

/// Adds the experts of parameters, each as a layer; the first of a parameter has the tensors.
void adapt_stacks(const Adapter& adapter, const std::vector<LinearLayer>& layers, const ByPattern<int>& ranks,
                  const ByPattern<double>& alphas, std::vector<Adapted>& adapted) {
  const Lora& s = adapter.as<Lora>();
  if (adapter.targeting.target_parameters.empty()) return;
  require_plain(s);
  for (const Stack& stack : select_stacks(adapter.targeting.target_parameters, layers)) {
    for (const Adapted& of : adapted)
      if (const auto& place = layers[of.layer].stack; place && place->module == stack.module && of.stack_module.empty())
        throw Error(Fault::usage,
                    cat("adapter.target_modules means ", layers[of.layer].name, ", a part of ", stack.name(),
                        ", which adapter.target_parameters means"),
                    "take it out of one of them");
    const std::int64_t r = ranks.of(stack.name(), s.r);
    if (const auto smaller = std::min(stack.out, stack.in); r > smaller)
      throw Error(Fault::usage, cat("rank ", r, " exceeds the smaller side of ", stack.name(), ", ", smaller),
                  "lower adapter.r, or give this parameter its own with adapter.rank_pattern");
    const auto rank = static_cast<double>(r);
    const double scale = alphas.of(stack.name(), s.alpha) / (s.use_rslora ? std::sqrt(rank) : rank);
    const std::int64_t all = r * stack.experts;
    const auto parts_of_b = static_cast<std::int64_t>(stack.layers.size());
    for (const std::size_t layer : stack.layers)
      adapted.push_back(
          {.layer = layer, .tensors = {}, .rank = r, .scale = scale, .kept = r, .stack_module = stack.adapter_module});
    adapted[adapted.size() - stack.layers.size()].tensors = {
        {.name = kLoraA, .shape = {all, stack.in}, .parts = stack.experts},
        {.name = kLoraB, .shape = {stack.out, all}, .parts = parts_of_b}};
  }
}

std::vector<Adapted> adapt_layers(const Adapter& adapter, const std::vector<LinearLayer>& layers) {
  const Lora& s = adapter.as<Lora>();
  const ByPattern<int> ranks("adapter.rank_pattern", s.rank_pattern);
  const ByPattern<double> alphas("adapter.alpha_pattern", s.alpha_pattern);
  if (s.use_dora && s.lora_bias)
    throw Error(Fault::usage, "adapter.use_dora and adapter.lora_bias do not go together, as in PEFT",
                "take one of them out");
  if (s.use_dora && s.init_lora_weights == LoraInit::loftq)
    throw Error(Fault::usage, "adapter.use_dora and adapter.init_lora_weights: loftq do not go together here",
                "take one of them out");
  require_activated(s);
  if (freezes_b(s.init_lora_weights) && (s.use_dora || s.lora_bias || !s.alora_invocation_tokens.empty()))
    throw Error(Fault::usage,
                cat("adapter.init_lora_weights: mica and adapter.",
                    s.use_dora    ? "use_dora"
                    : s.lora_bias ? "lora_bias"
                                  : "alora_invocation_tokens",
                    " do not go together here"),
                "take one of them out");
  std::vector<Adapted> adapted;
  const bool only_stacks = !adapter.targeting.target_parameters.empty() &&
                           adapter.targeting.target_modules.kind == Targets::Kind::names &&
                           adapter.targeting.target_modules.names.empty();
  const auto chosen =
      only_stacks ? std::vector<std::size_t>() : select_layers(adapter.targeting, layers, Embedding::taken);
  for (const std::size_t index : chosen) {
    const std::string& name = layers[index].name;
    const std::int64_t out = layers[index].out, in = layers[index].in;
    const std::int64_t r = ranks.of(name, s.r);
    if (const auto smaller = std::min(out, in); smaller > 1 && r > smaller)  // a gate has one row, and PEFT adapts it
      throw Error(Fault::usage, cat("rank ", r, " exceeds the smaller side of ", name, ", ", smaller),
                  "lower adapter.r, or give this layer its own with adapter.rank_pattern");
    const auto rank = static_cast<double>(r);
    const bool is_rows = layers[index].is_embedding;
    if (!s.alora_invocation_tokens.empty() && (is_rows || layers[index].is_head || layers[index].is_expert))
      throw Error(Fault::usage,
                  cat("adapter.alora_invocation_tokens is not supported for ", name,
                      ", which is no layer that all rows of a document pass"),
                  "take it out of adapter.target_modules");
    Adapted& of = adapted.emplace_back(Adapted{
        .layer = index,
        .tensors = {{is_rows ? kLoraEmbeddingA : kLoraA, {r, in}}, {is_rows ? kLoraEmbeddingB : kLoraB, {out, r}}},
        .rank = r,
        .scale = alphas.of(name, s.alpha) / (s.use_rslora ? std::sqrt(rank) : rank),
        .dropout = s.dropout,
        .kept = r});
    if (is_rows && (s.use_dora || s.lora_bias))
      throw Error(Fault::usage,
                  cat("adapter.", s.use_dora ? "use_dora" : "lora_bias", " is not supported for the embedding"),
                  cat("take ", name, " out of adapter.target_modules"));
    if (s.init_lora_weights == LoraInit::orthogonal && r % 2 != 0)
      throw Error(Fault::usage,
                  cat("adapter.init_lora_weights is orthogonal, and the rank of ", name, " is ", r, ", an odd number"),
                  "take an even adapter.r");
    if (freezes_b(s.init_lora_weights)) {
      if (is_rows)
        throw Error(Fault::usage, "adapter.init_lora_weights: mica is not supported for the embedding",
                    cat("take ", name, " out of adapter.target_modules"));
      of.tensors[1].trained = false;
    }
    const bool is_of_base = moves_base(s.init_lora_weights) || s.init_lora_weights == LoraInit::loftq ||
                            s.init_lora_weights == LoraInit::mica;
    if (is_of_base && r > std::min(out, in))
      throw Error(Fault::usage, cat("rank ", r, " exceeds the smaller side of ", name, ", which the start needs"),
                  "lower adapter.r, or take init_lora_weights: true");
    require_data_start(adapter, layers[index], r);
    if (s.lora_bias) of.tensors.push_back({kLoraBias, {out}});
    if (s.use_dora) {
      of.tensors.push_back({kLoraMagnitude, {out}});
      of.kept += out;
    }
  }
  adapt_stacks(adapter, layers, ranks, alphas, adapted);
  return adapted;
}

std::vector<AdapterTensor> token_rows(const Adapter& adapter, const Places& places) {
  std::vector<AdapterTensor> all;
  for (const std::int64_t token : adapter.as<Lora>().alora_invocation_tokens)
    if (token >= places.vocabulary)
      throw Error(Fault::usage,
                  cat("adapter.alora_invocation_tokens has ", token, ", and the model's vocabulary ", places.vocabulary,
                      " tokens"),
                  "take ids of the model's tokenizer");
  for (const TrainedRows& rows : trained_rows(adapter.as<Lora>().trainable_token_indices, places))
    all.push_back(
        {.name = cat(rows.module, ".", kTokenRows), .shape = {std::ssize(rows.tokens), places.embedding_width}});
  return all;
}

/// As PEFT 0.10 and later, vLLM and llama.cpp's converter read it. @see huggingface/peft src/peft/tuners/lora/config.py
json::Ordered to_peft(const Adapter& adapter, const std::vector<std::string>& modules) {
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

Adapter from_peft(const json::Object& config) {
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

void check_start(const Adapter& stored_adapter, const Adapter& wanted_adapter) {
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

}  // namespace

extern const Method kLora;
const Method kLora{
    .name = "lora",
    .help = "A low-rank update beside each layer (Hu et al. 2021, arXiv:2106.09685).",
    .defaults = [](Adapter& s) { s.own = Lora{}; },
    .bind = &bind_section,
    .adapt = &adapt_layers,
    .beside = &token_rows,
    .note_on_steps = [](const Adapter& s, std::int64_t) { return note_on_study(s); },
    .state_arrays = [](const Adapter& s) { return std::int64_t{moves_base(s.as<Lora>().init_lora_weights) ? 1 : 0}; },
    .kept_apart = [](const Adapter& s) -> std::string_view {
      return s.as<Lora>().alora_invocation_tokens.empty() ? "" : "it acts on the tokens behind its invocation alone";
    },
    .bias_of_adapted = "lora_only",
    .served_by = "vLLM, llama.cpp",
    .peft_config = &to_peft,
    .read_peft_config = &from_peft,
    .check_start = &check_start};

}  // namespace pst::methods
