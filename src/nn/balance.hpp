// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>

namespace pst::nn {

/// The loss that balances a mixture's experts, in one pass forward and backward: experts * the sum over experts e of
/// f_e P_e, f_e being how many of a row's choices fall on e and P_e the router's probability of it, both means over the
/// rows of all layers with experts. Only P has a slope.
/// @see Fedus et al. 2021, arXiv:2101.03961, equations 4 to 6; transformers load_balancing_loss_func
class Balance {
 public:
  /// @param factor  what backward scales the slope with
  explicit Balance(double factor) : factor_(factor) {}

  /// A layer's router, in the pass forward or when that is computed again. Backward through what is returned, which is
  /// `logits`, adds the slope of this loss.
  /// @param logits  f32 [rows, experts];  chosen: i64 [rows, choices of a row]
  at::Tensor seen(const at::Tensor& logits_ne, const at::Tensor& chosen_nk);
  /// After the pass forward: what comes later is computed again.
  void close();

  double value() const { return value_; }                 ///< after close()
  const at::Tensor& slopes() const { return slopes_e_; }  ///< of the loss in a row's probabilities, after close()

 private:
  double factor_, value_ = 0;
  bool closed_ = false;
  std::int64_t rows_ = 0;
  at::Tensor chosen_e_, probabilities_e_;  // i64 and f64: sums over rows
  at::Tensor slopes_e_;                    // f32
};

}  // namespace pst::nn
