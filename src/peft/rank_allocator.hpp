// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <string>
#include <vector>

#include "methods/adalora.hpp"
#include "nn/parameter.hpp"
#include "nn/training_hook.hpp"

namespace pst::peft {

/// Chooses which directions of which layers stay, by how much the loss depends on them, so that all layers together
/// have the budget of the step. @see Zhang et al. 2023, arXiv:2303.10512, sections 3.2 and 3.3
class RankAllocator final : public nn::TrainingHook {
 public:
  struct Layer {
    const nn::Parameter *a_ri, *b_or, *e_r1;
  };
  /// @param parameters  after allocate(), those of `layers` among them
  RankAllocator(const methods::Adalora& keys, std::vector<Layer> layers, nn::ParameterSet& parameters);

  void add_to(const at::Tensor& gradient) const override;
  void after_update(std::int64_t step, std::int64_t total, const at::Tensor& gradient, double factor) override;
  const std::vector<State>& state() const override { return state_; }

  std::int64_t total() const { return total_; }  ///< steps of the run; 0 before the first
  /// The directions that are left, by layer. Empty before the first choice.
  std::vector<std::vector<bool>> kept() const;

  /// Directions of all layers in a step. @param initial, target  budgets
  static std::int64_t budget(const methods::Adalora& keys, std::int64_t step, std::int64_t total, std::int64_t initial,
                             std::int64_t target);

 private:
  enum Array { importance, uncertainty, gone };  // of state_; `gone`: 1 where a direction of E is gone
  at::Tensor window(Array array, const nn::Parameter& of) const;
  void watch(const at::Tensor& gradient, double factor);
  void choose(std::int64_t budget);
  void let_go();

  methods::Adalora keys_;
  std::vector<Layer> layers_;
  nn::ParameterSet& parameters_;
  std::vector<State> state_;
  std::int64_t total_ = 0;
};

}  // namespace pst::peft
