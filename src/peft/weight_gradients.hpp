// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "core/rng.hpp"
#include "methods/data_starts.hpp"
#include "nn/causal_lm.hpp"
#include "peft/lora_start.hpp"

namespace pst::peft {

/// The gradients of some layers' frozen weights: the only place where there are any, and before the first step. Each is
/// the mean over batches of those of the batch's mean loss.
class WeightGradients {
 public:
  /// @param layers  of `model`, in its order; the model outlives this
  WeightGradients(nn::CausalLm& model, const std::vector<methods::Studied>& layers);
  ~WeightGradients();
  /// A batch passes forward and backward between the two.
  void before();
  void after();
  at::Tensor mean(std::size_t layer) const;  ///< f32 [out, in]. @param layer  into the layers given

 private:
  struct Watch;
  nn::CausalLm& model_;
  std::vector<methods::Studied> layers_;
  std::vector<at::Tensor> sums_;  // as layers_
  std::int64_t batches_ = 0;
  std::unique_ptr<Watch> watch_;
};

/// LoRA-GA: of the gradient's 2 r largest singular values half for A and half for B, so that the first step goes where
/// full fine-tuning would. @param weight  gives the base's weight, f32 [out, in], where the scale asks for it
/// @see Wang et al. 2024, arXiv:2407.05000; PEFT's lora_ga_init, which gives B the singular values
LowRank gradient_start(const at::Tensor& gradient_oi, const std::function<at::Tensor()>& weight,
                       const methods::LoraGaConfig& config, std::int64_t r, double scale, const Rng& rng);

}  // namespace pst::peft
