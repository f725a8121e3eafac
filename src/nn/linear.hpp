// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/rng.hpp"

namespace pst::nn {

/// What a forward pass carries besides its data.
struct Pass {
  bool training = false;  ///< dropout acts
  Rng random{0};          ///< of this step and micro batch
};

/// y = x W^T + b. What an adapter wraps, whatever form W is stored in.
class Linear {
 public:
  virtual ~Linear() = default;
  virtual std::int64_t in_features() const = 0;
  virtual std::int64_t out_features() const = 0;

  /// x [n, in] -> [n, out], without autograd.
  virtual at::Tensor apply(const at::Tensor& x_ni) const = 0;
  /// The gradient with respect to x: dy [n, out] -> dy W [n, in], without autograd.
  virtual at::Tensor apply_transposed(const at::Tensor& dy_no) const = 0;
  /// Differentiable in x: x [n, in] -> [n, out]. The default records one node over the two functions above.
  virtual at::Tensor forward(const at::Tensor& x_ni, const Pass& pass) const;
};

/// A frozen weight kept as it is computed with: f32 or bf16.
class DenseLinear final : public Linear {
 public:
  /// @param weight [out, in];  bias [out] of the same dtype
  DenseLinear(at::Tensor weight_oi, std::optional<at::Tensor> bias_o)
      : weight_(std::move(weight_oi)), bias_(std::move(bias_o)) {}
  std::int64_t in_features() const override { return weight_.size(1); }
  std::int64_t out_features() const override { return weight_.size(0); }
  at::Tensor apply(const at::Tensor& x_ni) const override;
  at::Tensor apply_transposed(const at::Tensor& dy_no) const override;

 private:
  at::Tensor weight_;
  std::optional<at::Tensor> bias_;
};

/// A place in a model where an adapter may put a wrapper.
struct LinearSlot {
  std::string name;  ///< Hugging Face's module name: model.layers.0.self_attn.q_proj
  std::unique_ptr<Linear>* linear;
  bool is_output_head = false;  ///< not part of `all-linear`
};

}  // namespace pst::nn
