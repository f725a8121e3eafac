// SPDX-License-Identifier: Apache-2.0
#include "methods/lora.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "config/fields.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "methods/expert_stacks.hpp"
#include "methods/lora_config.hpp"
#include "methods/method.hpp"

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
    .peft_config = &lora_to_peft,
    .read_peft_config = &lora_from_peft,
    .check_start = &check_lora_start};

}  // namespace pst::methods
