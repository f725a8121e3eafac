// SPDX-License-Identifier: Apache-2.0
#include "recipe/optimizers.hpp"

#include "config/one_of.hpp"

namespace pst::recipe {

std::span<const char* const> state_of(const Optimizer& s) {
  return std::visit([](const auto& rule) -> std::span<const char* const> { return rule.kState; }, s.rule);
}

int values_moved(const Optimizer& s) {
  return std::visit([](const auto& rule) { return rule.kValuesMoved; }, s.rule);
}

void bind(config::Fields& field, AdamW& s) {
  field("betas", &s.betas, config::from_to_below(0, 1), "Decay of the running means of gradient and squared gradient.");
  field("eps", &s.eps, config::above(0), "Added to the root of the second mean.");
}

void bind(config::Fields& field, Sgd& s) {
  field("momentum", &s.momentum, config::from_to_below(0, 1),
        "Decay of the running sum of gradients; 0: plain gradient descent.");
  field("nesterov", &s.nesterov, "Nesterov's momentum: a step further along the running sum.");
}

void bind(config::Fields& field, Lion& s) {
  field("betas", &s.betas, config::from_to_below(0, 1),
        "Share of the running mean in a step's direction, and decay of that mean.");
}

void bind(config::Fields& field, Optimizer& s) {
  field("name", &s.rule, "Algorithm.");
  field("lr", &s.lr, config::at_least(0), "Learning rate after the warm-up.");
  config::bind_chosen(field, s.rule);
  field("weight_decay", &s.weight_decay, config::at_least(0),
        std::visit([](const auto& rule) { return rule.kWeightDecay; }, s.rule));
}

}  // namespace pst::recipe
