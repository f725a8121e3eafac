// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>

#include "methods/beside.hpp"
#include "nn/causal_lm.hpp"
#include "nn/parameter.hpp"

namespace pst::peft {

/// Puts trained rows in place of some rows of a model's embedding or head.
/// @param rows  [tokens, width]
/// @return      gives them the values of the base. Collective where frozen matrices are spread over ranks
std::function<void()> train_rows(nn::CausalLm& model, const methods::TrainedRows& of, nn::Parameter& rows);

}  // namespace pst::peft
