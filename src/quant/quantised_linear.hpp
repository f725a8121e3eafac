// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include <memory>
#include <optional>
#include <vector>

#include "nn/linear.hpp"
#include "quant/scratch.hpp"

namespace pst::quant {

/// A frozen weight kept as codes. Each product dequantises it into the scratch buffer that the layers share, so no copy
/// is kept and the gradient is that of the dequantised weight.
class QuantisedLinear : public nn::Linear {
 public:
  /// @param parts  of the format, in its order
  QuantisedLinear(std::int64_t out, std::int64_t in, std::vector<at::Tensor> parts, std::optional<at::Tensor> bias_o,
                  std::shared_ptr<Scratch> scratch)
      : out_(out), in_(in), parts_(std::move(parts)), bias_(std::move(bias_o)), scratch_(std::move(scratch)) {}
  std::int64_t in_features() const final { return in_; }
  std::int64_t out_features() const final { return out_; }
  at::Tensor weight(at::ScalarType dtype) const final;
  at::Tensor apply(const at::Tensor& x_ni) const override;
  at::Tensor apply_transposed(const at::Tensor& dy_no) const override;
  at::Tensor add_applied(at::Tensor sum_no, nn::Rows& x_ni) const override;
  at::Tensor add_applied_transposed(at::Tensor sum_ni, const at::Tensor& dy_no) const override;

 protected:
  Scratch& scratch() const { return *scratch_; }
  /// Writes W [out, in] into `weight`, f32 or bf16.
  virtual void dequantise(Scratch& scratch, const at::Tensor& weight) const = 0;

  const std::int64_t out_, in_;
  const std::vector<at::Tensor> parts_;
  const std::optional<at::Tensor> bias_;

 private:
  at::Tensor weight_like(const at::Tensor& like) const;

  std::shared_ptr<Scratch> scratch_;
};

}  // namespace pst::quant
