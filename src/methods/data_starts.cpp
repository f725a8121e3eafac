// SPDX-License-Identifier: Apache-2.0
#include "methods/data_starts.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "methods/lora.hpp"
#include "methods/method.hpp"

namespace pst::methods {
namespace {

bool is_lora(const Adapter& adapter) { return adapter.own.type() == typeid(Lora); }

/// What is studied is what the rows of a batch are in a layer: experts see some of them, the embedding none.
void require_rows(const LinearLayer& layer, const std::string& word) {
  if (!layer.is_expert && !layer.is_embedding && !layer.is_head) return;
  throw Error(Fault::usage,
              cat("adapter.init_lora_weights is ", word, ", which is not supported for ",
                  layer.is_expert ? "experts that a router chooses"
                  : layer.is_head ? "the head"
                                  : "the embedding",
                  ", such as ", layer.name),
              "take it out of adapter.target_modules, or take another init_lora_weights");
}

}  // namespace

void bind(config::Fields& field, EvaConfig& s) {
  field("rho", &s.rho, config::at_least(1), "A layer's rank may become r times this; 1 leaves all ranks at r.");
  field("tau", &s.tau, config::between(0, 1),
        "Directions have settled when each one's cosine with what it was a batch before is at least this.");
  field("use_label_mask", &s.use_label_mask, "Look only at tokens that are labels.");
  field("whiten", &s.whiten, "Divide each direction by the root of its singular value.");
  field("adjust_scaling_factors", &s.adjust_scaling_factors, "Change a layer's alpha as its rank changes.");
}

json::Ordered to_peft(const EvaConfig& s) {
  json::Ordered config;
  config["adjust_scaling_factors"] = s.adjust_scaling_factors;
  config["label_mask_value"] = -100;
  config["rho"] = s.rho;
  config["tau"] = s.tau;
  config["use_label_mask"] = s.use_label_mask;
  config["whiten"] = s.whiten;
  return config;
}

std::vector<std::pair<const char*, CordaMethod>> words_of(CordaMethod) {
  return {{"ipm", CordaMethod::ipm}, {"kpm", CordaMethod::kpm}};
}
void bind(config::Fields& field, CordaConfig& s) {
  field("corda_method", &s.corda_method,
        "`ipm` takes the part of the base that the data use most, `kpm` the part that they use least.");
  field("samples", &s.samples, config::at_least(1),
        "Rows of the training that are looked at, at most an epoch's; PEFT leaves this to its caller.");
}

std::vector<std::pair<const char*, LoraGaDirection>> words_of(LoraGaDirection) {
  return {{"ArB2r", LoraGaDirection::ArB2r},
          {"ArBr", LoraGaDirection::ArBr},
          {"A2rBr", LoraGaDirection::A2rBr},
          {"random", LoraGaDirection::random}};
}
std::vector<std::pair<const char*, LoraGaScale>> words_of(LoraGaScale) {
  return {{"stable", LoraGaScale::stable},
          {"weight_svd", LoraGaScale::weight_svd},
          {"gd_scale", LoraGaScale::gd_scale},
          {"unit", LoraGaScale::unit}};
}
void bind(config::Fields& field, LoraGaConfig& s) {
  field("direction", &s.direction,
        "Which of the gradient's 2 r largest singular vectors A has, and which B: the first and the last r, odd and "
        "even ones, the last and the first, or the same ones by chance.");
  field("scale", &s.scale,
        "Size of the start: B by out^(1/4) / sqrt(stable_gamma), by the base's largest singular value, both by the "
        "inverse of the update's scale, or as they are.");
  field("stable_gamma", &s.stable_gamma, config::at_least(1), "See scale.");
  field("batches", &s.batches, config::at_least(1),
        "Micro batches of the training over which the gradient is taken, at most an epoch's; PEFT leaves this to its "
        "caller.");
}

bool reads_data(const Adapter& adapter) { return is_lora(adapter) && reads_data(adapter.as<Lora>().init_lora_weights); }

std::vector<Studied> studied_layers(const Adapter& adapter, const std::vector<LinearLayer>& layers) {
  std::vector<Studied> studied;
  for (const Adapted& of : adapt(adapter, layers)) {
    const LinearLayer& layer = layers[of.layer];
    studied.push_back(
        {.layer = of.layer, .name = layer.name, .r = of.rank, .in = layer.in, .out = layer.out, .scale = of.scale});
  }
  return studied;
}

std::int64_t study_bytes(const Lora& keys, const Studied& layer) {
  switch (keys.init_lora_weights) {
    case LoraInit::eva: return 8 * eva_components(keys.eva_config, layer.r) * layer.in;
    case LoraInit::corda: return 4 * layer.in * layer.in;
    case LoraInit::lora_ga: return 4 * layer.in * layer.out;
    default: return 0;
  }
}

std::vector<std::vector<Studied>> study_rounds(const Lora& keys, const std::vector<Studied>& layers) {
  std::vector<std::vector<Studied>> rounds;
  std::int64_t taken = 0;
  for (const Studied& layer : layers) {
    const std::int64_t bytes = study_bytes(keys, layer);
    if (rounds.empty() || taken + bytes > kStudyBytes) {
      rounds.emplace_back();
      taken = 0;
    }
    taken += bytes;
    rounds.back().push_back(layer);
  }
  return rounds;
}

StudyCost study_cost(const Adapter& adapter, const std::vector<LinearLayer>& layers) {
  if (!reads_data(adapter)) return {};
  const Lora& keys = adapter.as<Lora>();
  const std::vector<Studied> studied = studied_layers(adapter, layers);
  const LoraInit init = keys.init_lora_weights;
  StudyCost cost{.by_rows = init == LoraInit::corda, .back = init == LoraInit::lora_ga};
  std::int64_t work = 0;
  const auto rounds = study_rounds(keys, studied);
  for (const auto& round : rounds) {
    std::int64_t sums = 0;
    for (const Studied& layer : round) {
      sums += study_bytes(keys, layer);
      // CorDA: C with its diagonal, its inverse, W, W C and its vectors. LoRA-GA: a batch's gradient.
      work = std::max(work, init == LoraInit::corda     ? 4 * (2 * layer.in * layer.in + 4 * layer.in * layer.out)
                            : init == LoraInit::lora_ga ? 4 * layer.in * layer.out
                                                        : 0);
    }
    cost.bytes = std::max(cost.bytes, init == LoraInit::eva ? cost.bytes + sums : sums);
  }
  cost.bytes += work;
  const auto count = static_cast<std::int64_t>(rounds.size());
  cost.passes = init == LoraInit::eva     ? kAssumedEvaPasses
                : init == LoraInit::corda ? count * keys.corda_config.samples
                                          : count * keys.lora_ga_config.batches;
  return cost;
}

std::string note_on_study(const Adapter& adapter) {
  if (!reads_data(adapter)) return {};
  const Lora& keys = adapter.as<Lora>();
  switch (keys.init_lora_weights) {
    case LoraInit::corda:
      return cat("before the first step CorDA looks at ", keys.corda_config.samples,
                 " rows of the training's data, or at an epoch's where these are fewer");
    case LoraInit::lora_ga:
      return cat("before the first step LoRA-GA takes the base's gradient over ", keys.lora_ga_config.batches,
                 " micro batches of the training's data, or over an epoch's where these are fewer");
    default:
      return cat(
          "before the first step EVA looks at micro batches of the training's data until its directions have "
          "settled, and then gives the layers their ranks: memory and time are told for ",
          kAssumedEvaPasses, " passes and the recipe's ranks");
  }
}

std::int64_t eva_components(const EvaConfig& config, std::int64_t r) {
  return static_cast<std::int64_t>(std::nearbyint(static_cast<double>(r) * config.rho));
}

void check_data_start(const Adapter& adapter, bool is_quantised) {
  if (!reads_data(adapter)) return;
  const LoraInit init = adapter.as<Lora>().init_lora_weights;
  const std::string key = cat("adapter.init_lora_weights: ", word_of(init));
  if (adapter.init_from)
    throw Error(Fault::usage, cat(key, " and adapter.init_from are two starts"), "take one of them out");
  if (is_quantised && init != LoraInit::eva)
    throw Error(Fault::usage, cat(key, " is not supported over a quantised base, as in PEFT"),
                "leave model.quantization out, or take init_lora_weights: eva");
}

void require_data_start(const Adapter& adapter, const LinearLayer& layer, std::int64_t r) {
  const Lora& s = adapter.as<Lora>();
  if (!reads_data(s.init_lora_weights) || s.start_values) return;
  const std::string word = word_of(s.init_lora_weights);
  require_rows(layer, word);
  if (s.lora_bias)
    throw Error(Fault::usage,
                cat("adapter.init_lora_weights: ", word, " and adapter.lora_bias do not go together, as in PEFT"),
                "take one of them out");
  const std::int64_t smaller = std::min(layer.in, layer.out);
  if (s.init_lora_weights == LoraInit::eva && eva_components(s.eva_config, r) > smaller)
    throw Error(Fault::usage,
                cat("EVA may give ", layer.name, " the rank ", eva_components(s.eva_config, r),
                    ", r times adapter.eva_config.rho, and its smaller side is ", smaller),
                "lower adapter.r or adapter.eva_config.rho");
  if (s.init_lora_weights == LoraInit::lora_ga && 2 * r > smaller)
    throw Error(Fault::usage,
                cat("LoRA-GA takes twice the rank of ", layer.name, ", ", 2 * r,
                    ", from its gradient, whose smaller side is ", smaller),
                "lower adapter.r, or give this layer its own with adapter.rank_pattern");
}

Adapter with_ranks(const Adapter& adapter, const std::vector<LinearLayer>& layers,
                   const std::map<std::string, std::int64_t>& ranks) {
  const Lora& before = adapter.as<Lora>();
  const ByPattern<int> r_of("adapter.rank_pattern", before.rank_pattern);
  const ByPattern<double> alpha_of("adapter.alpha_pattern", before.alpha_pattern);
  Adapter changed = adapter;
  Lora& s = changed.as<Lora>();
  s.rank_pattern.clear();
  s.alpha_pattern.clear();
  std::vector<std::string> kept;
  for (const Studied& of : studied_layers(adapter, layers)) {
    const auto found = ranks.find(of.name);
    const std::int64_t rank = found == ranks.end() ? 0 : found->second, r = r_of.of(of.name, before.r);
    if (rank == 0) continue;
    kept.push_back(of.name);
    double alpha = alpha_of.of(of.name, before.alpha);
    if (rank != r && before.eva_config.adjust_scaling_factors)
      alpha *= static_cast<double>(rank) / static_cast<double>(r);
    if (rank != before.r) s.rank_pattern[of.name] = static_cast<int>(rank);
    if (alpha != before.alpha) s.alpha_pattern[of.name] = alpha;
  }
  s.start_values.emplace();
  changed.targeting = {};
  changed.targeting.target_modules = {.kind = Targets::Kind::names, .names = std::move(kept), .pattern = {}};
  return changed;
}

}  // namespace pst::methods
