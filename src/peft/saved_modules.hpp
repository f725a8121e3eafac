// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <vector>

#include "methods/beside.hpp"
#include "nn/causal_lm.hpp"
#include "nn/parameter.hpp"

namespace pst::peft {

/// Modules of a model of which all values are trained: PEFT's modules_to_save.
class SavedModules {
 public:
  /// Declares their tensors. @param model  outlives it
  SavedModules(nn::CausalLm& model, std::vector<methods::Saved> modules, nn::ParameterSet& parameters);
  void attach();  ///< puts them into the model; once their tensors have memory
  void start();   ///< gives them the values of the base. Collective where frozen matrices are spread over ranks

 private:
  struct Module {
    methods::Saved of;
    nn::Parameter* weight = nullptr;
    nn::Parameter* bias = nullptr;  ///< null: it has none
    std::function<void()> start;
  };
  void attach_linear(Module& module);
  void attach_embedding(Module& module);
  void attach_norm(Module& module);

  nn::CausalLm& model_;
  std::vector<Module> modules_;
};

/// Trains a norm. @param bias  null: it has none
void train_norm(ops::Norm& norm, double offset, const nn::Parameter& weight, const nn::Parameter* bias);
/// Gives its parameters the values of the norm.
void start_norm(const ops::Norm& norm, double offset, nn::Parameter& weight, nn::Parameter* bias);

}  // namespace pst::peft
