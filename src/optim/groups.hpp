// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "nn/parameter.hpp"
#include "recipe/optimizers.hpp"

namespace pst::optim {

/// What a trained tensor gets of the recipe's rate and decay.
struct Group {
  double lr_factor = 1;  ///< times the step's rate
  double weight_decay = 0;
  friend bool operator==(const Group&, const Group&) = default;
};

/// By the tensor's name, as transformers' Trainer and PEFT's LoRA+ tell them apart.
/// @see transformers 5.23 trainer.py: get_decay_parameter_names; PEFT 0.21 optimizers/loraplus.py; Hayou et al. 2024,
/// arXiv:2402.12354
Group group_of(const recipe::Optimizer& settings, const nn::Parameter& parameter);

}  // namespace pst::optim
