// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>

#include "config/fields.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "methods/method.hpp"
#include "methods/norms.hpp"

namespace pst::methods {
namespace {

void bind_section(config::Fields& field, Adapter& adapter) {
  LnTuning& s = adapter.as<LnTuning>();
  field("target_modules", &s.target_modules,
        "Norms to train, by the end of their name, such as [input_layernorm, norm]; empty: all of the stream.");
  field("exclude_modules", &s.exclude_modules, "Norms not to train after all, by the end of their name.");
}

std::vector<AdapterTensor> tensors(const Adapter& adapter, const Places& places) {
  std::vector<AdapterTensor> all;
  for (const std::size_t index : trained_norms(adapter, places)) {
    const NormPlace& norm = places.norms[index];
    all.push_back({.name = norm.name + ".ln_tuning_layers.weight", .shape = {norm.width}});
    if (norm.bias) all.push_back({.name = norm.name + ".ln_tuning_layers.bias", .shape = {norm.width}});
  }
  return all;
}

bool is_of_heads(const std::string& name) {
  const std::string last = split(name, '.').back();
  return last.starts_with("q_") || last.starts_with("k_") || last.starts_with("query_") || last.starts_with("key_");
}

}  // namespace

std::vector<std::size_t> trained_norms(const Adapter& adapter, const Places& places) {
  const LnTuning& s = adapter.as<LnTuning>();
  const auto listed = [](const std::vector<std::string>& names, const std::string& name) {
    return std::any_of(names.begin(), names.end(), [&](const auto& ending) { return ends_at_a_dot(name, ending); });
  };
  for (const auto* const names : {&s.target_modules, &s.exclude_modules})
    for (const std::string& ending : *names)
      if (std::none_of(places.norms.begin(), places.norms.end(),
                       [&](const NormPlace& norm) { return ends_at_a_dot(norm.name, ending); })) {
        std::set<std::string> there;
        for (const NormPlace& norm : places.norms) there.insert(split(norm.name, '.').back());
        throw Error(
            Fault::usage,
            cat("the adapter section names the norm ", quoted(ending), ", and this model has none of that name"),
            cat("this model has ", join(std::vector(there.begin(), there.end()), ", ")));
      }
  std::vector<std::size_t> chosen;
  for (std::size_t i = 0; i < places.norms.size(); ++i) {
    const std::string& name = places.norms[i].name;
    const bool wanted = s.target_modules.empty() ? !is_of_heads(name) : listed(s.target_modules, name);
    if (wanted && !listed(s.exclude_modules, name)) chosen.push_back(i);
  }
  if (chosen.empty())
    throw Error(Fault::usage, "the adapter section selects no norm of this model",
                "loosen adapter.target_modules or exclude_modules");
  return chosen;
}

extern const Method kLnTuning;
const Method kLnTuning{.name = "ln_tuning",
                       .help = "The norms' own weights and biases (Zhao et al. 2024, arXiv:2312.11420).",
                       .defaults = [](Adapter& s) { s.own = LnTuning{}; },
                       .bind = &bind_section,
                       .beside = &tensors,
                       .fixed = R"({"modules_to_save": null})"};

}  // namespace pst::methods
