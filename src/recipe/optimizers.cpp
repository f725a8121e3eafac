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

std::vector<std::pair<const char*, NoDecay>> words_of(NoDecay) {
  return {{"norms_and_biases", NoDecay::norms_and_biases}, {"nothing", NoDecay::nothing}};
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
  field("no_decay", &s.no_decay, "Trained tensors without weight decay, by their names, as transformers' Trainer.");
  field("loraplus_lr_ratio", &s.loraplus_lr_ratio, config::Absent::null, config::above(0),
        "LoRA+: how many times as large the rate is of matrices B, of biases and magnitudes; 16 is usual. `null`: all "
        "have one rate.");
  field("loraplus_lr_embedding", &s.loraplus_lr_embedding, config::above(0),
        "LoRA+: the rate of an adapted embedding's A and B.");
  field("loraplus_weight_decay", &s.loraplus_weight_decay, config::Absent::null, config::at_least(0),
        "LoRA+: weight decay; `null`: weight_decay.");
}

}  // namespace pst::recipe
