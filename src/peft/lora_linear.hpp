// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <string>

#include "nn/linear.hpp"
#include "nn/parameter.hpp"

namespace pst::peft {

struct LoraOptions {
  std::int64_t r = 16;
  double scale = 2;    ///< alpha / r, or alpha / sqrt(r)
  double dropout = 0;  ///< chance of zeroing an input feature before A
};

/// A frozen layer plus a trainable low-rank update: y = W x + scale * B A dropout(x). Wraps any nn::Linear.
/// Forward and backward are one hand-written autograd node, which keeps x and the rank-r product only.
/// @see Hu et al. 2021, arXiv:2106.09685, section 4.1
class LoraLinear final : public nn::Linear {
 public:
  /// Declares A [r, in] and B [out, r] in `parameters` under `<name>.lora_A.weight` and `<name>.lora_B.weight`.
  /// @param name    module name of the wrapped layer
  /// @param stream  index of this layer's own random numbers
  LoraLinear(std::unique_ptr<nn::Linear> base, const std::string& name, LoraOptions options, std::uint64_t stream,
             nn::ParameterSet& parameters);

  std::int64_t in_features() const override { return base_->in_features(); }
  std::int64_t out_features() const override { return base_->out_features(); }
  at::Tensor apply(const at::Tensor& x_ni) const override;
  at::Tensor apply_transposed(const at::Tensor& dy_no) const override;
  at::Tensor forward(const at::Tensor& x_ni, const nn::Pass& pass) const override;

  nn::Parameter& a() { return a_ri_; }
  nn::Parameter& b() { return b_or_; }

 private:
  class BackwardNode;
  at::Tensor dropped(const at::Tensor& x_ni, const nn::Pass& pass) const;
  at::Tensor frozen(const at::Tensor& x_ni) const;
  at::Tensor frozen_transposed(const at::Tensor& dy_no) const;

  std::unique_ptr<nn::Linear> base_;
  std::string last_part_;  ///< of the layer's name: "q_proj"
  LoraOptions options_;
  std::uint64_t stream_;
  nn::Parameter& a_ri_;
  nn::Parameter& b_or_;
};

}  // namespace pst::peft
