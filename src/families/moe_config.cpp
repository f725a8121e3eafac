// SPDX-License-Identifier: Apache-2.0
#include "families/moe_config.hpp"

#include <algorithm>

#include "core/strings.hpp"

namespace pst::families {

void add_experts(MoeSpec& moe, const std::string& prefix, std::int64_t count, std::int64_t hidden,
                 const ExpertNames& names) {
  for (std::int64_t e = 0; e < count; ++e) {
    const std::string own = cat(prefix, e, ".");
    moe.experts.push_back({.gate = {.name = own + names.gate, .out = moe.inner, .in = hidden},
                           .up = {.name = own + names.up, .out = moe.inner, .in = hidden},
                           .down = {.name = own + names.down, .out = hidden, .in = moe.inner}});
  }
  stack_experts(moe, prefix.substr(0, prefix.size() - 1));
}

void stack_experts(MoeSpec& moe, const std::string& module, GateUp rows) {
  const std::int64_t experts = std::ssize(moe.experts);
  for (std::int64_t e = 0; e < experts; ++e) {
    auto& [gate, up, down] = moe.experts[static_cast<std::size_t>(e)];
    gate.stack = weights::StackPlace{.module = module,
                                     .parameter = "gate_up_proj",
                                     .experts = experts,
                                     .rows = gate.out + up.out,
                                     .expert = e,
                                     .step = rows == GateUp::by_turns ? 2 : 1};
    up.stack = gate.stack;
    up.stack->first = rows == GateUp::by_turns ? 1 : gate.out;
    down.stack = weights::StackPlace{
        .module = module, .parameter = "down_proj", .experts = experts, .rows = down.out, .expert = e};
  }
}

void add_router(MoeSpec& moe, const std::string& name, std::int64_t hidden, bool bias) {
  moe.router = {.name = name, .out = std::ssize(moe.experts), .in = hidden, .bias = bias};
}

void add_shared(MoeSpec& moe, const std::string& prefix, std::int64_t inner, std::int64_t hidden) {
  MlpSpec shared{.inner = inner, .act = moe.act};
  for (const char* const name : {"gate_proj", "up_proj"})
    shared.inputs.push_back({.name = prefix + name, .out = inner, .in = hidden, .reads = Reads::mlp_input});
  shared.down = {.name = prefix + "down_proj", .out = hidden, .in = inner, .reads = Reads::shared_activated};
  moe.shared = std::move(shared);
}

std::vector<bool> read_sparse_layers(const json::Object& config, std::size_t layers) {
  const auto step = static_cast<std::size_t>(config.size("decoder_sparse_step").value_or(1));
  std::vector<std::int64_t> dense;
  if (const auto listed = config.get("mlp_only_layers")) dense = listed->wholes();
  std::vector<bool> sparse;
  for (std::size_t i = 0; i < layers; ++i)
    sparse.push_back((i + 1) % step == 0 &&
                     std::find(dense.begin(), dense.end(), static_cast<std::int64_t>(i)) == dense.end());
  return sparse;
}

std::int64_t read_chosen(const json::Object& config, std::int64_t experts, std::int64_t absent) {
  const std::int64_t chosen = config.size("num_experts_per_tok").value_or(absent);
  if (chosen > experts) config.refuse("num_experts_per_tok", cat("is ", chosen, "; there are ", experts, " experts"));
  return chosen;
}

std::int64_t read_expert_count(const json::Object& config, std::int64_t absent) {
  constexpr std::int64_t kMost = 100'000;
  const auto newer = config.size("num_local_experts", kMost), older = config.size("num_experts", kMost);
  if (newer && older && *newer != *older)
    config.refuse("num_local_experts", cat("is ", *newer, ", and num_experts is ", *older));
  return newer ? *newer : older.value_or(absent);
}

void read_balance(const json::Object& config, ModelSpec& model, double absent) {
  const auto factor = config.get("router_aux_loss_coef");
  model.balance =
      BalanceSpec{.factor = factor ? factor->real(0, 1e6) : absent, .asked = config.flag("output_router_logits")};
}

}  // namespace pst::families
