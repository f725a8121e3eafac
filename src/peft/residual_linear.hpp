// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>

#include "nn/linear.hpp"

namespace pst::peft {

/// What is left of a frozen layer when a low-rank part of it has gone into an adapter's start: y = W x - scale * B A x
/// + b. The part is kept beside W, which stays as its files have it.
class ResidualLinear final : public nn::Linear {
 public:
  ResidualLinear(std::unique_ptr<nn::Linear> base, double scale) : base_(std::move(base)), scale_(scale) {}
  /// The part, whose values may come later. Before any use. @param a_ri, b_or  f32
  void take_out(at::Tensor a_ri, at::Tensor b_or) {
    a_ri_ = std::move(a_ri);
    b_or_ = std::move(b_or);
  }

  std::int64_t in_features() const override { return base_->in_features(); }
  std::int64_t out_features() const override { return base_->out_features(); }
  at::Tensor weight(at::ScalarType dtype) const override;
  at::Tensor apply(const at::Tensor& x_ni) const override;
  at::Tensor apply_transposed(const at::Tensor& dy_no) const override;
  at::Tensor add_applied(at::Tensor sum_no, nn::Rows& x_ni) const override;
  at::Tensor add_applied_transposed(at::Tensor sum_ni, const at::Tensor& dy_no) const override;

 private:
  at::Tensor part(const at::Tensor& x_ni) const;
  at::Tensor part_transposed(const at::Tensor& dy_no) const;

  std::unique_ptr<nn::Linear> base_;
  double scale_;
  at::Tensor a_ri_, b_or_;
};

}  // namespace pst::peft
