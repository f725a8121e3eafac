// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "peft/adapted_linear.hpp"

namespace pst::peft {

/// A frozen layer plus a low-rank update, each output scaled to a learned size: y = g * (W x + scale * B A x) + b with
/// g = m / ||W + scale * B A|| by rows, whose denominator gets no gradient. One autograd node, which keeps x, A x and
/// the sum in the brackets. @see Liu et al. 2024, arXiv:2402.09353, sections 4.1 and 4.3
class DoraLinear final : public AdaptedLinear {
 public:
  /// @param given  its tensors: A [r, in], B [out, r], m [out]
  explicit DoraLinear(Site given) : AdaptedLinear(std::move(given)) {}

  at::Tensor weight(at::ScalarType dtype) const override;
  at::Tensor apply(const at::Tensor& x_ni) const override;
  at::Tensor apply_transposed(const at::Tensor& dy_no) const override;
  at::Tensor forward(const at::Tensor& x_ni, const nn::Pass& pass) const override;

  void prepare() override;  ///< reads the base's weight
  /// Gives A its start by `start_a`, B zero, m the base's sizes.
  void start(const Rng& rng) override;
  void loaded() override { scale_at_rest_.reset(); }

  nn::Parameter& a() const { return *site().trained[0]; }
  nn::Parameter& b() const { return *site().trained[1]; }
  nn::Parameter& m() const { return *site().trained[2]; }

 private:
  friend class DoraNode;
  struct Scale {
    at::Tensor g_o, norm_o;  ///< f32
  };
  at::Tensor run(const at::Tensor& x_ni, const Tensors& trained, const nn::Pass& pass) const override;
  at::Tensor norm() const;  ///< of the rows of W + scale * B A, f32 [out]: as products see A and B
  Scale scale() const;
  at::Tensor scaled(const at::Tensor& sum_no, const Scale& scale) const;  ///< y of the sum, which has b in it

  at::Tensor squares_o_;              ///< f64 [out]: of W's rows
  at::Tensor bias_o_;                 ///< f32 [out]
  mutable at::Tensor scale_at_rest_;  ///< g in decoding, between two trainings
};

}  // namespace pst::peft
