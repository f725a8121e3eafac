// SPDX-License-Identifier: Apache-2.0
#include "methods/adalora.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "config/fields.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "methods/declared.hpp"
#include "methods/method.hpp"

namespace pst::methods {
namespace {

void bind_section(config::Fields& field, Adapter& adapter) {
  Adalora& s = adapter.as<Adalora>();
  field("init_r", &s.init_r, config::at_least(1), "Directions that each layer begins with.");
  field("target_r", &s.target_r, config::at_least(1), "Directions that a layer has at the end, in the mean.");
  field("lora_alpha", &s.lora_alpha, config::above(0), "The update is scaled by lora_alpha / init_r.");
  field("lora_dropout", &s.lora_dropout, config::from_to_below(0, 1), "Chance of zeroing an input feature before A.");
  bind_keys(field, adapter.targeting);
  field("tinit", &s.tinit, config::at_least(0), "Steps before the first direction goes.");
  field("tfinal", &s.tfinal, config::at_least(0), "Steps at the end in which none goes.");
  field("deltaT", &s.deltaT, config::at_least(1), "Steps between two choices.");
  field("beta1", &s.beta1, config::between(1e-6, 1 - 1e-6), "Smoothing of importance.");
  field("beta2", &s.beta2, config::between(1e-6, 1 - 1e-6), "Smoothing of how much it varies.");
  field("orth_reg_weight", &s.orth_reg_weight, config::at_least(0),
        "Weight of the penalty that keeps directions at right angles; the reported loss leaves it out.");
  field("total_step", &s.total_step, config::Absent::null, config::at_least(1), "Null: the run's steps.");
}

std::int64_t rank_of(const Adalora& s, const std::string& layer) {
  const auto kept = s.rank_pattern.find(layer + ".lora_E");
  return kept == s.rank_pattern.end() ? s.init_r : std::count(kept->second.begin(), kept->second.end(), true);
}

std::vector<Adapted> adapt_layers(const Adapter& adapter, const std::vector<LinearLayer>& layers) {
  const Adalora& s = adapter.as<Adalora>();
  if (s.target_r > s.init_r)
    throw Error(Fault::usage, cat("adapter.target_r is ", s.target_r, ", more than init_r, ", s.init_r),
                "directions only go: raise init_r");
  if (s.total_step && *s.total_step <= s.tinit + s.tfinal)
    throw Error(Fault::usage,
                cat("adapter.tinit and tfinal leave none of the ", *s.total_step, " steps for choosing directions"),
                "lower them");
  std::vector<Adapted> adapted;
  for (const std::size_t index : select_layers(adapter.targeting, layers)) {
    const std::int64_t out = layers[index].out, in = layers[index].in, r = rank_of(s, layers[index].name);
    adapted.push_back({.layer = index,
                       .tensors = {{"lora_A", {r, in}}, {"lora_B", {out, r}}, {"lora_E", {r, 1}}},
                       .rank = r,
                       .scale = s.lora_alpha / (static_cast<double>(s.init_r) + 1e-5),
                       .dropout = s.lora_dropout,
                       .kept = r});
  }
  return adapted;
}

std::string note_on_steps(const Adapter& adapter, std::int64_t steps) {
  const Adalora& s = adapter.as<Adalora>();
  if (!s.total_step && steps <= s.tinit + s.tfinal)
    throw Error(Fault::usage,
                cat("the run has ", steps, steps == 1 ? " step" : " steps",
                    ", and adapter.tinit and tfinal keep all "
                    "directions in ",
                    s.tinit + s.tfinal),
                "lower them, or train longer");
  if (!s.total_step || *s.total_step == steps) return {};
  return cat("adapter.total_step is ", *s.total_step, ", and the run has ", steps, ": directions go by the former",
             *s.total_step > steps ? ", and more than target_r are left at the end" : "");
}

json::Ordered to_peft(const Adapter& adapter, const std::vector<std::string>& modules) {
  json::Ordered config = declared_config(adapter, modules);
  json::Ordered pattern = json::Ordered::object();
  for (const auto& [name, kept] : adapter.as<Adalora>().rank_pattern) pattern[name] = kept;
  // PEFT takes no file without it. A checkpoint does not know the run's steps yet: the fewest that these keys allow.
  const Adalora& s = adapter.as<Adalora>();
  config["total_step"] = s.total_step.value_or(s.tinit + s.tfinal + 1);
  config["rank_pattern"] = pattern.empty() ? json::Ordered() : pattern;
  return config;
}

Adapter from_peft(const json::Object& config) {
  Adapter adapter =
      read_declared(*find("adalora"), config, {"rank_pattern", "r", "megatron_core", "qalora_group_size"});
  Adalora& s = adapter.as<Adalora>();
  if (const auto pattern = config.get("rank_pattern"))
    for (const auto& [name, list] : pattern->object().members()) {
      std::vector<bool>& kept = s.rank_pattern[name];
      for (const json::Node& direction : list.list(1 << 20)) kept.push_back(direction.flag());
      if (std::ssize(kept) != s.init_r)
        list.refuse(
            cat("has ", kept.size(), " values; needed is one for each of the ", s.init_r, " directions of init_r"));
    }
  return adapter;
}

void check_start(const Adapter& stored, const Adapter& wanted) {
  if (stored.as<Adalora>().rank_pattern != wanted.as<Adalora>().rank_pattern)
    throw Error(Fault::usage, "the adapter to start from has lost directions already",
                "start from one of `type: lora`, or without init_from");
  Adapter alike = stored;  // whatever its run's steps were
  alike.as<Adalora>().total_step = wanted.as<Adalora>().total_step;
  require_declared(alike, wanted);
}

}  // namespace

extern const Method kAdalora;
const Method kAdalora{.name = "adalora",
                      .help = "LoRA whose layers share a budget of directions (Zhang et al. 2023, arXiv:2303.10512).",
                      .defaults = [](Adapter& s) { s.own = Adalora{}; },
                      .bind = &bind_section,
                      .adapt = &adapt_layers,
                      .note_on_steps = &note_on_steps,
                      .state_arrays = [](const Adapter&) { return std::int64_t{3}; },
                      .whole_on_every_rank = [](const Adapter&) { return true; },
                      .bias_of_adapted = "lora_only",
                      .fixed = R"({"alpha_pattern": {}, "fan_in_fan_out": false, "modules_to_save": null,
                                   "use_rslora": false, "use_dora": false})",
                      .peft_config = &to_peft,
                      .read_peft_config = &from_peft,
                      .check_start = &check_start};

}  // namespace pst::methods
