// SPDX-License-Identifier: Apache-2.0
#include "methods/osf.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "config/fields.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "methods/declared.hpp"
#include "methods/method.hpp"

namespace pst::methods {
namespace {

constexpr double kLeast = 1e-6;

void bind_section(config::Fields& field, Adapter& adapter) {
  Osf& s = adapter.as<Osf>();
  field("effective_rank", &s.effective_rank, config::Absent::null, config::at_least(kLeast),
        "Number of the weight's largest singular directions that stay as they are; below 1: a share of its smaller "
        "side; null: half of it. The others are trained.");
  field("rank_pattern", &s.rank_pattern, config::at_least(kLeast),
        "Another effective_rank for some layers, by a regular expression that is searched for in the name.");
  bind_target_modules(field, adapter.targeting);
}

/// The value for a layer. @throws Error(usage) where two expressions that fit it say different ones: PEFT takes the
/// first of its file, and a recipe's map has no order
std::optional<double> value_for(const Osf& s, const std::string& layer) {
  std::optional<double> found;
  std::string first;
  for (const auto& [name, value] : s.rank_pattern) {
    if (!Pattern("adapter.rank_pattern", name, "[\\s\\S]*?(?:", ")[\\s\\S]*").matches_all(layer)) continue;
    if (found && *found != value)
      throw Error(Fault::usage,
                  cat("adapter.rank_pattern has two values for ", layer, ": ", number(*found), " by ", quoted(first),
                      " and ", number(value), " by ", quoted(name)),
                  "write expressions of which one alone fits each layer");
    found = value;
    first = name;
  }
  return found ? found : s.effective_rank;
}

/// Directions of a layer that stay.
std::int64_t kept_of(const Osf& s, const LinearLayer& layer) {
  const std::int64_t all = std::min(layer.out, layer.in);
  const auto value = value_for(s, layer.name);
  if (value && *value >= 1 && std::floor(*value) != *value)
    throw Error(Fault::usage, cat("adapter.effective_rank is ", number(*value), " for ", layer.name),
                "write a whole number, or a share below 1");
  const auto kept = !value       ? all / 2
                    : *value < 1 ? static_cast<std::int64_t>(static_cast<double>(all) * *value)
                                 : static_cast<std::int64_t>(std::min(*value, static_cast<double>(all)));
  if (kept == 0)
    throw Error(Fault::usage,
                cat("adapter.effective_rank ", value ? cat("is ", number(*value)) : "is not given",
                    ", of which none of the ", all, " singular directions of ", layer.name, " stays as it is"),
                "write effective_rank: 1 or more");
  if (kept == all)
    throw Error(Fault::usage,
                cat("adapter.effective_rank is ", number(*value), ", and ", layer.name, " has only ", all,
                    " singular directions: none is left to train"),
                cat("write effective_rank: ", all - 1, " or less"));
  return kept;
}

std::vector<Adapted> adapt_layers(const Adapter& adapter, const std::vector<LinearLayer>& layers) {
  const Osf& s = adapter.as<Osf>();
  std::vector<Adapted> adapted;
  for (const std::size_t index : select_layers(adapter.targeting, layers)) {
    const LinearLayer& layer = layers[index];
    const std::int64_t out = layer.out, in = layer.in, kept = kept_of(s, layer), r = std::min(out, in) - kept;
    const auto frozen = [](const char* name, std::vector<std::int64_t> shape) {
      return AdapterTensor{.name = name, .shape = std::move(shape), .trained = false, .saved = false};
    };
    Adapted of{.layer = index,
               .tensors = {{"osf_svd_params.U_low", {out, r}},
                           {"osf_svd_params.S_low", {r}},
                           {"osf_svd_params.V_low", {r, in}},
                           frozen("osf_U_low_init", {out, r}),
                           frozen("osf_S_low_init", {r}),
                           frozen("osf_V_low_init", {r, in})},
               .rank = 2 * r,
               .kept = 2 * r,
               .made = 2 * r * (out + in)};
    if (out > in) of.tensors.push_back(frozen("osf_U_high", {out, kept}));
    if (out < in) of.tensors.push_back(frozen("osf_V_high", {kept, in}));
    adapted.push_back(std::move(of));
  }
  return adapted;
}

/// In PEFT 1.0 is all of a layer's directions, and 1 is one of them.
Adapter from_peft(const json::Object& config) {
  const auto require_plain = [](const json::Node& node) {
    if (node.value().is_number_float() && node.value().get<double>() >= 1)
      node.refuse("is a share that leaves no direction to train", "write a whole number, or a share below 1");
  };
  if (const auto rank = config.get("effective_rank")) require_plain(*rank);
  if (const auto patterns = config.get("rank_pattern"))
    for (const auto& [name, value] : patterns->object().members()) require_plain(value);
  return read_declared(*find("osf"), config);
}

}  // namespace

extern const Method kOsf;
const Method kOsf{
    .name = "osf",
    .help = "Weights trained away from their largest singular directions (Nayak et al. 2025, arXiv:2504.07097).",
    .defaults = [](Adapter& s) { s.own = Osf{}; },
    .bind = &bind_section,
    .adapt = &adapt_layers,
    .fixed = R"({"init_weights": true, "target_svd_config": null})",
    .read_peft_config = &from_peft};

}  // namespace pst::methods
