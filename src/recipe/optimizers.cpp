// SPDX-License-Identifier: Apache-2.0
#include "recipe/optimizers.hpp"

#include "config/one_of.hpp"

namespace pst::recipe {

namespace {

std::int64_t product(const Shape& shape, std::size_t first) {
  std::int64_t count = 1;
  for (std::size_t i = first; i < shape.size(); ++i) count *= shape[i];
  return count;
}

/// A value for each of the tensor's.
StateArray elementwise(const char* name, const Shape& shape) { return {name, shape, product(shape, 1)}; }

}  // namespace

std::int64_t values_in_row(const StateArray& array) { return product(array.shape, 1); }
std::int64_t values_of(const StateArray& array) { return product(array.shape, 0); }

std::vector<StateArray> state_of(const Optimizer& s, const Shape& shape) {
  return std::visit(
      [&]<class Rule>(const Rule&) {
        if constexpr (requires { Rule::kState; }) {
          std::vector<StateArray> all;
          for (const char* const name : Rule::kState) all.push_back(elementwise(name, shape));
          return all;
        } else {
          return Rule::state(shape);
        }
      },
      s.rule);
}

Cut cut_of(const Optimizer& s) {
  return std::visit(
      []<class Rule>(const Rule&) {
        if constexpr (requires { Rule::kCut; })
          return Rule::kCut;
        else
          return Cut::rows;
      },
      s.rule);
}

std::optional<std::int64_t> piece_of(Cut cut, std::int64_t otherwise) {
  switch (cut) {
    case Cut::rows: return otherwise;
    case Cut::blocks: return kStateBlock;
    case Cut::nowhere: break;
  }
  return std::nullopt;
}

std::vector<StateArray> AdamW8bit::state(const Shape& shape) {
  const std::int64_t count = product(shape, 0);
  if (count < kSmall) return {elementwise("exp_avg", shape), elementwise("exp_avg_sq", shape)};
  const Shape blocks = {(count + kStateBlock - 1) / kStateBlock};
  return {{"exp_avg", shape, product(shape, 1), Dtype::u8},
          {"exp_avg_absmax", blocks, kStateBlock},
          {"exp_avg_sq", shape, product(shape, 1), Dtype::u8},
          {"exp_avg_sq_absmax", blocks, kStateBlock}};
}

std::vector<StateArray> Adafactor::state(const Shape& shape) {
  if (product(shape, 0) == 0) return {};
  if (shape.size() < 2) return {{"exp_avg_sq", shape}};
  Shape rows(shape.begin(), shape.end() - 1), columns = rows;
  columns.back() = shape.back();
  return {{"exp_avg_sq_row", rows}, {"exp_avg_sq_col", columns}};
}

std::vector<StateArray> Muon::state(const Shape& shape) {
  if (shape.size() == 2) return {elementwise("momentum_buffer", shape)};
  return {elementwise("exp_avg", shape), elementwise("exp_avg_sq", shape)};
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

void bind(config::Fields& field, AdamW8bit& s) {
  field("betas", &s.betas, config::from_to_below(0, 1), "Decay of the running means of gradient and squared gradient.");
  field("eps", &s.eps, config::above(0), "Added to the root of the second mean.");
}

void bind(config::Fields& field, ScheduleFreeAdamW& s) {
  field("betas", &s.betas, config::from_to_below(0, 1),
        "Share of the average in the point where gradients are taken, and decay of the mean of squared gradients.");
  field("eps", &s.eps, config::above(0), "Added to the root of that mean.");
}

void bind(config::Fields& field, Adafactor& s) {
  field("eps", &s.eps, config::above(0), "Added to squared gradients; least scale of a tensor with scale_parameter.");
  field("clip_threshold", &s.clip_threshold, config::above(0),
        "Largest root mean square of a tensor's update before the rate.");
  field("decay_rate", &s.decay_rate, config::between(-1, 0),
        "The means of step t forget t to this power of what they were.");
  field("scale_parameter", &s.scale_parameter, "The rate is relative to the root mean square of the tensor.");
  field("relative_step", &s.relative_step,
        "The rate falls with the root of the steps; optimizer.lr and the scheduler do not count.");
  field("warmup_init", &s.warmup_init, "With relative_step: the rate rises in the first steps.");
}

std::vector<std::pair<const char*, MuonRate>> words_of(MuonRate) {
  return {{"original", MuonRate::original}, {"match_rms_adamw", MuonRate::match_rms_adamw}};
}

void bind(config::Fields& field, Muon& s) {
  field("momentum", &s.momentum, config::from_to_below(0, 1), "Decay of a matrix's running mean of gradients.");
  field("nesterov", &s.nesterov, "Nesterov's momentum: a step further along the running mean.");
  field("ns_steps", &s.ns_steps, config::between(1, 99), "Newton-Schulz iterations that make it orthogonal.");
  field(
      "adjust_lr_fn", &s.adjust_lr_fn,
      "What the rate of an m x n matrix is: `original`, times the root of max(1, m / n); `match_rms_adamw`, times 0.2 "
      "and the root of max(m, n), so that AdamW's rates fit.");
  field("betas", &s.betas, config::from_to_below(0, 1), "Of AdamW, for what is no matrix.");
  field("eps", &s.eps, config::above(0), "Of AdamW, for what is no matrix.");
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
