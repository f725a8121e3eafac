// SPDX-License-Identifier: Apache-2.0
#include "optim/groups.hpp"

#include "core/strings.hpp"

namespace pst::optim {
namespace {

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

/// transformers' patterns; and names of LayerNorms of GPT-2's kind, which it tells by their class.
bool is_norm_or_bias(const std::string& name) {
  const std::string small = lower(name);
  if (contains(small, "bias") || contains(small, "layernorm") || contains(small, "rmsnorm")) return true;
  for (const std::string& part : split(small, '.'))
    if (part == "norm" || part.ends_with("_norm") || part.starts_with("ln_")) return true;
  return false;
}

}  // namespace

Group group_of(const recipe::Optimizer& settings, const nn::Parameter& parameter) {
  Group group{.weight_decay = settings.weight_decay};
  if (settings.loraplus_lr_ratio) {
    group.weight_decay = settings.loraplus_weight_decay.value_or(settings.weight_decay);
    if (contains(parameter.name, "lora_embedding_"))
      group.lr_factor = settings.loraplus_lr_embedding / settings.lr;
    else if (contains(parameter.name, "lora_B") || parameter.shape.size() == 1)
      group.lr_factor = *settings.loraplus_lr_ratio;
  }
  if (settings.no_decay == recipe::NoDecay::norms_and_biases && is_norm_or_bias(parameter.name)) group.weight_decay = 0;
  return group;
}

}  // namespace pst::optim
