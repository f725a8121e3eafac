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
  std::int64_t in_features() const final { return in_; }
  std::int64_t out_features() const final { return out_; }
  at::Tensor apply(const at::Tensor& x_ni) const final;
  at::Tensor apply_transposed(const at::Tensor& dy_no) const final;

 protected:
  QuantisedLinear(std::int64_t out, std::int64_t in, std::optional<at::Tensor> bias_o, std::shared_ptr<Scratch> scratch)
      : out_(out), in_(in), bias_(std::move(bias_o)), scratch_(std::move(scratch)) {}
  /// Writes W [out, in] into `weight`, f32 or bf16.
  virtual void dequantise(Scratch& scratch, const at::Tensor& weight) const = 0;

  const std::int64_t out_, in_;

 private:
  at::Tensor weight(const at::Tensor& like) const;

  std::optional<at::Tensor> bias_;
  std::shared_ptr<Scratch> scratch_;
};

/// @see kernels/nf4/nf4.hpp
class Nf4Linear final : public QuantisedLinear {
 public:
  /// @param parts  as lowbit::nf4_codec lists them, plain or with quantised scales
  Nf4Linear(std::int64_t out, std::int64_t in, std::vector<at::Tensor> parts, std::optional<at::Tensor> bias_o,
            std::shared_ptr<Scratch> scratch)
      : QuantisedLinear(out, in, std::move(bias_o), std::move(scratch)), parts_(std::move(parts)) {}

 protected:
  void dequantise(Scratch& scratch, const at::Tensor& weight) const override;

 private:
  std::vector<at::Tensor> parts_;
};

/// @see kernels/int8/int8.hpp
class Int8Linear final : public QuantisedLinear {
 public:
  /// @param parts  as lowbit::int8_codec lists them
  Int8Linear(std::int64_t out, std::int64_t in, std::vector<at::Tensor> parts, std::optional<at::Tensor> bias_o,
             std::shared_ptr<Scratch> scratch)
      : QuantisedLinear(out, in, std::move(bias_o), std::move(scratch)), parts_(std::move(parts)) {}

 protected:
  void dequantise(Scratch& scratch, const at::Tensor& weight) const override;

 private:
  std::vector<at::Tensor> parts_;
};

}  // namespace pst::quant
