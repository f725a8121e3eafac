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

/// Parts as lowbit::nf4_codec lists them, with plain or quantised scales. @see kernels/nf4/nf4.hpp
/// A few rows, as generation has them, are multiplied with the codes; W is not written out
/// (kernels/nf4/nf4_product.hpp).
class Nf4Linear final : public QuantisedLinear {
 public:
  using QuantisedLinear::QuantisedLinear;
  at::Tensor apply(const at::Tensor& x_ni) const override;

 private:
  at::Tensor scales(Scratch& scratch) const;  ///< f32 [blocks]
  void dequantise(Scratch& scratch, const at::Tensor& weight) const override;
};

/// Parts as lowbit::int8_codec lists them. @see kernels/int8/int8.hpp
class Int8Linear final : public QuantisedLinear {
 public:
  using QuantisedLinear::QuantisedLinear;

 private:
  void dequantise(Scratch& scratch, const at::Tensor& weight) const override;
};

/// Parts as lowbit::fp8_codec lists them. @see kernels/fp8/fp8.hpp
/// A GPU that multiplies 8-bit floats (compute capability 8.9 and later) gets them: each row of x, and backward of dy,
/// is quantised as it comes, and the product is summed in f32 (Micikevicius et al. 2022, arXiv:2209.05433,
/// section 3.2). Everywhere else the weight is dequantised.
class Fp8Linear final : public QuantisedLinear {
 public:
  using QuantisedLinear::QuantisedLinear;
  at::Tensor apply(const at::Tensor& x_ni) const override;
  at::Tensor apply_transposed(const at::Tensor& dy_no) const override;
  at::Tensor add_applied(at::Tensor sum_no, nn::Rows& x_ni) const override;
  at::Tensor add_applied_transposed(at::Tensor sum_ni, const at::Tensor& dy_no) const override;

 private:
  at::Tensor turned() const;  ///< codes of W^T [in, out], in the scratch buffer
  void dequantise(Scratch& scratch, const at::Tensor& weight) const override;
};

}  // namespace pst::quant
