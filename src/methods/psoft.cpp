// SPDX-License-Identifier: Apache-2.0
#include "methods/psoft.hpp"

#include <algorithm>

#include "config/fields.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "methods/method.hpp"

namespace pst::methods {

std::vector<std::pair<const char*, PsoftInit>> words_of(PsoftInit) {
  return {{"psoft_init", PsoftInit::psoft_init}, {"pissa_init", PsoftInit::pissa_init}};
}
std::vector<std::pair<const char*, PsoftSvd>> words_of(PsoftSvd) {
  return {{"full", PsoftSvd::full}, {"lowrank", PsoftSvd::lowrank}};
}

namespace {

void bind_section(config::Fields& field, Adapter& adapter) {
  Psoft& s = adapter.as<Psoft>();
  field("r", &s.r, config::at_least(1), "Number of the weight's largest singular directions that are turned.");
  field("psoft_alpha", &s.psoft_alpha, config::above(0),
        "The update is scaled by psoft_alpha / r, and its frozen factors by the inverse.");
  bind_keys(field, adapter.targeting);
  field("psoft_dropout", &s.psoft_dropout, config::from_to_below(0, 1),
        "Chance of zeroing an input feature before the update.");
  field("ab_svd_init", &s.ab_svd_init,
        "Singular values go into B (psoft_init), or their roots into A and B (pissa_init).");
  field("psoft_svd", &s.psoft_svd, "How they are found: exactly (full), or faster from a random start (lowrank).");
  field("psoft_svd_lowrank_niter", &s.psoft_svd_lowrank_niter, config::at_least(0), "Rounds of lowrank.");
  field("random_seed", &s.random_seed, config::at_least(0), "Seed of lowrank's start.");
  field("psoft_orth", &s.psoft_orth, "Turn: an orthogonal matrix; else any matrix.");
  field("psoft_mag_b", &s.psoft_mag_b, "Learned factors of the turned directions.");
  field("psoft_mag_a", &s.psoft_mag_a, "Learned factors of the directions before they are turned.");
  field("use_cayley_neumann", &s.use_cayley_neumann, "Make the rotation by a series, which is not quite orthogonal.");
  field("num_cayley_neumann_terms", &s.num_cayley_neumann_terms, config::at_least(1), "Terms of the series.");
  field("cayley_neumann_eps", &s.cayley_neumann_eps, config::Absent::null, config::between(1e-6, 0.999999),
        "Largest norm of what the series is made of; null: none.");
}

std::vector<Adapted> adapt_layers(const Adapter& adapter, const std::vector<LinearLayer>& layers) {
  const Psoft& s = adapter.as<Psoft>();
  const std::int64_t r = s.r;
  if (s.psoft_orth && r < 2)
    throw Error(Fault::usage, "adapter.r is 1, and one direction cannot be turned", "write r: 2, or psoft_orth: false");
  std::vector<Adapted> adapted;
  for (const std::size_t index : select_layers(adapter.targeting, layers)) {
    if (const auto smaller = std::min(layers[index].out, layers[index].in); r > smaller)
      throw Error(Fault::usage,
                  cat("adapter.r is ", r, ", and ", layers[index].name, " has only ", smaller, " singular directions"),
                  cat("write r: ", smaller, " or less"));
    Adapted of{.layer = index,
               .tensors = {{"psoft_R.weight", s.psoft_orth ? std::vector{r * (r - 1) / 2} : std::vector{r, r}}},
               .rank = r,
               .scale = s.psoft_alpha / static_cast<double>(r),
               .dropout = s.psoft_dropout,
               .kept = r};
    if (s.psoft_mag_b) of.tensors.push_back({"psoft_R.vector_b", {r}});
    if (s.psoft_mag_a) of.tensors.push_back({"psoft_R.vector_a", {r}});
    of.tensors.push_back({.name = "psoft_A", .shape = {r, layers[index].in}, .trained = false, .saved = false});
    of.tensors.push_back({.name = "psoft_B", .shape = {layers[index].out, r}, .trained = false, .saved = false});
    adapted.push_back(std::move(of));
  }
  return adapted;
}

}  // namespace

extern const Method kPsoft;
const Method kPsoft{.name = "psoft",
                    .help = "The weight's largest singular directions, turned (Wu et al. 2025, arXiv:2505.11235).",
                    .defaults = [](Adapter& s) { s.own = Psoft{}; },
                    .bind = &bind_section,
                    .adapt = &adapt_layers,
                    .fixed = R"({"fan_in_fan_out": false, "init_weights": true, "modules_to_save": null})"};

}  // namespace pst::methods
