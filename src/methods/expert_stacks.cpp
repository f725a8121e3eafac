// SPDX-License-Identifier: Apache-2.0
#include "methods/expert_stacks.hpp"

#include <algorithm>
#include <set>

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::methods {
namespace {

/// "mlp.experts.gate_up_proj" of "model.layers.0.mlp.experts.gate_up_proj"
std::string ending_of(const Stack& stack) {
  const auto number = layer_number(stack.module);
  const std::string begin = number ? cat(".", *number, ".") : "";
  const auto found = stack.module.find(begin);
  return found == stack.module.npos || begin.empty() ? stack.name() : stack.name().substr(found + begin.size());
}

}  // namespace

std::vector<Stack> stacks_of(const std::vector<LinearLayer>& layers) {
  std::vector<Stack> stacks;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (!layers[i].stack) continue;
    const weights::StackPlace& place = *layers[i].stack;
    // An expert's matrices are neighbours: gate, up, down.
    const auto is_of = [&](const Stack& s) { return s.module == place.module && s.parameter == place.parameter; };
    auto found = std::find_if(stacks.rbegin(), stacks.rend(), is_of);
    if (found == stacks.rend()) {
      stacks.push_back({.module = place.module,
                        .parameter = place.parameter,
                        .experts = place.experts,
                        .out = place.rows,
                        .in = layers[i].in,
                        .layers = {}});
      found = stacks.rbegin();
    }
    found->layers.push_back(i);
  }
  return stacks;
}

std::vector<Stack> select_stacks(const std::vector<std::string>& names, const std::vector<LinearLayer>& layers) {
  const std::vector<Stack> all = stacks_of(layers);
  for (const auto& name : names) {
    if (std::any_of(all.begin(), all.end(), [&](const Stack& stack) { return ends_at_a_dot(stack.name(), name); }))
      continue;
    std::set<std::string> endings;
    for (const Stack& stack : all) endings.insert(ending_of(stack));
    throw Error(Fault::usage,
                cat("adapter.target_parameters names ", quoted(name),
                    ", and no parameter of this model that holds experts is called so"),
                endings.empty()
                    ? "this model has no experts: adapter.target_modules names its layers"
                    : cat("this model has ", join(std::vector<std::string>(endings.begin(), endings.end()), ", "),
                          "; linear layers are named by adapter.target_modules"));
  }
  std::vector<Stack> chosen;
  for (const Stack& stack : all)
    if (std::any_of(names.begin(), names.end(), [&](const auto& name) { return ends_at_a_dot(stack.name(), name); }))
      chosen.push_back(stack);
  // PEFT wraps a module once for each of its parameters: the last one is outside.
  for (auto stack = chosen.begin(); stack != chosen.end(); ++stack) {
    stack->adapter_module = stack->module;
    for (auto later = stack + 1; later != chosen.end() && later->module == stack->module; ++later)
      stack->adapter_module += ".base_layer";
  }
  return chosen;
}

StackPart part_of_a(const weights::StackPlace& place, std::int64_t rank) { return {.first_row = place.expert * rank}; }

StackPart part_of_b(const weights::StackPlace& place) {
  return {.first_row = place.first, .row_step = place.step, .first_column = place.expert, .column_step = place.experts};
}

}  // namespace pst::methods
