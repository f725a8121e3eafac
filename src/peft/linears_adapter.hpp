// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <memory>

#include "peft/adapted_linear.hpp"
#include "peft/adapter.hpp"

namespace pst::peft {

/// How a method makes its layers, and what they share.
struct Linears {
  std::function<std::unique_ptr<AdaptedLinear>(Site)> wrap;
  /// Makes the tensors that layers share and that are not trained: a function of the method's keys.
  std::function<void(const Tensors& frozen)> project_shared = {};
  /// The values that a training starts from, of the trained tensors that layers share.
  std::function<void(const std::vector<nn::Parameter*>& trained, const Rng& rng)> start_shared = {};
  bool studies = false;  ///< its layers read their base's weight in prepare()
};

/// An adapter that wraps linear layers.
std::unique_ptr<Adapter> adapt_linears(nn::CausalLm& model, const methods::Adapter& recipe, at::ScalarType compute,
                                       at::Device device, const Linears& method);

}  // namespace pst::peft
