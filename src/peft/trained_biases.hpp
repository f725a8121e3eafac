// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <vector>

#include "methods/biases.hpp"
#include "nn/causal_lm.hpp"
#include "nn/parameter.hpp"

namespace pst::peft {

/// Biases of a model that are trained, beside whatever adapts its layers: PEFT's key `bias`.
class TrainedBiases {
 public:
  /// Declares them. @param model  outlives it; without adapters as yet, or with those that keep its layers alive
  TrainedBiases(nn::CausalLm& model, const std::vector<methods::TrainedBias>& biases, nn::ParameterSet& parameters);
  /// Puts them into the model, around the layers that adapters have made.
  /// @param bases  the model's linear layers as they were before
  void attach(const std::vector<const nn::Linear*>& bases);
  /// Reads those of the base. Collective where frozen matrices are spread over ranks.
  void prepare();
  void start();  ///< gives them the values of the base

 private:
  struct Linear {
    std::size_t place;
    nn::Parameter* bias;
    const nn::Linear* base = nullptr;
    at::Tensor frozen = {};  ///< the base's bias, in the dtype of products; made in attach(), known after prepare()
  };
  struct Norm {
    nn::NormSlot slot;
    nn::Parameter* bias;
  };
  nn::CausalLm& model_;
  std::vector<Linear> linears_;
  std::vector<Norm> norms_;
};

}  // namespace pst::peft
