// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "methods/data_starts.hpp"
#include "nn/causal_lm.hpp"
#include "peft/lora_start.hpp"

namespace pst::peft {

/// The covariances of some layers' inputs: the mean over samples of x^T x, each sample's x divided by the size of its
/// largest value, as PEFT's preprocess_corda has them. Layers that read the same x share one.
class Covariances {
 public:
  /// @param layers  of `model`, in its order; the model outlives this
  Covariances(nn::CausalLm& model, const std::vector<methods::Studied>& layers);
  ~Covariances();
  /// A sample passes forward between the two. @throws Error(data) when an input is not finite
  void before();
  void after();
  /// f32 [in, in]. @param layer  into the layers given
  at::Tensor mean(std::size_t layer) const;

 private:
  struct Watch;
  nn::CausalLm& model_;
  std::vector<methods::Studied> layers_;
  std::vector<std::size_t> owner_;  // as layers_: the first with this input
  std::vector<at::Tensor> sums_;    // of owners
  std::int64_t samples_ = 0;
  std::unique_ptr<Watch> watch_;
};

/// CorDA: singular values of W C, C the covariance, and their vectors with C taken out again; half on each side.
/// @see Yang et al. 2024, arXiv:2406.05223
/// @throws Error(data) when no multiple of the identity makes C invertible
LowRank corda_start(const at::Tensor& weight_oi, const at::Tensor& covariance_ii, methods::CordaMethod method,
                    std::int64_t r, double scale);

}  // namespace pst::peft
