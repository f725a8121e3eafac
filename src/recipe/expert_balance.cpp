// SPDX-License-Identifier: Apache-2.0
#include "recipe/expert_balance.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::recipe {

double balance_factor(const Train& train, const families::ModelSpec& model) {
  const bool has_experts = std::any_of(model.layers.begin(), model.layers.end(),
                                       [](const families::LayerSpec& layer) { return layer.moe.has_value(); });
  const auto& wanted = train.router_aux_loss_coef;
  if (wanted && *wanted > 0 && !(has_experts && model.balance))
    throw Error(Fault::usage,
                cat("train.router_aux_loss_coef is ", number(*wanted), ", and ",
                    has_experts ? cat("transformers has no loss that balances experts for ", model.model_type)
                                : "the model has no experts"),
                "take it out");
  if (!has_experts || !model.balance) return 0;
  return wanted.value_or(model.balance->asked ? model.balance->factor : 0);
}

}  // namespace pst::recipe
