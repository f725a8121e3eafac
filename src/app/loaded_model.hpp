// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <memory>

#include "app/hardware.hpp"
#include "app/ranks.hpp"
#include "app/run.hpp"
#include "nn/causal_lm.hpp"
#include "nn/parameter.hpp"
#include "peft/adapter.hpp"

namespace pst::app {

/// The frozen model with the adapter around its layers.
class LoadedModel {
 public:
  /// Collective. @throws Error(data) or Error(usage), on every rank, when the model's files or the adapter do not fit
  /// @param alive  called while the data are looked at for the adapter's start, after every pass over the model
  LoadedModel(
      const Run& run, const Hardware& hardware, const Ranks& ranks, const std::function<void()>& alive = [] {});

  const nn::CausalLm& model() const { return *model_; }
  peft::Adapter& adapter() { return *adapter_; }
  nn::ParameterSet& parameters() { return adapter_->parameters(); }

 private:
  std::unique_ptr<comm::Communicator>
      sharers_;                                // the ranks of one copy of the frozen weights; nullptr: each has its own
  std::unique_ptr<comm::Communicator> links_;  // the same ranks' GPUs
  std::unique_ptr<nn::CausalLm> model_;
  std::unique_ptr<peft::Adapter> adapter_;
};

}  // namespace pst::app
