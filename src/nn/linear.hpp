// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include <any>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/rng.hpp"
#include "weights/place.hpp"

namespace pst::nn {

class Balance;

/// What a forward pass carries besides its data.
struct Pass {
  bool training = false;                       ///< dropout acts
  Rng random{0};                               ///< of this step and micro batch
  std::shared_ptr<Balance> balance = nullptr;  ///< sees what routers choose; null: nobody does
  at::Tensor active{};  ///< [n, 1] in the dtype of products: 1 for rows that an adapter changes; undefined: all
};

/// Rows that layers multiply one after the other, with what one of them has made of them for the next: codes, say.
struct Rows {
  at::Tensor values;
  std::any made = {};
};

/// y = x W^T + b. What an adapter wraps, whatever form W is stored in.
class Linear {
 public:
  virtual ~Linear() = default;
  virtual std::int64_t in_features() const = 0;
  virtual std::int64_t out_features() const = 0;

  /// W [out, in] as products see it, in f32 or bf16. Good until another layer's is asked for; not to be changed.
  virtual at::Tensor weight(at::ScalarType dtype) const = 0;

  /// x [n, in] -> [n, out], without autograd.
  virtual at::Tensor apply(const at::Tensor& x_ni) const = 0;
  /// The gradient with respect to x: dy [n, out] -> dy W [n, in], without autograd.
  virtual at::Tensor apply_transposed(const at::Tensor& dy_no) const = 0;

  /// sum + x W^T + b and sum + dy W, without autograd. `sum`, of their shapes, may be overwritten; use only the result.
  virtual at::Tensor add_applied(at::Tensor sum_no, Rows& x_ni) const;
  virtual at::Tensor add_applied_transposed(at::Tensor sum_ni, const at::Tensor& dy_no) const;

  /// Differentiable in x: x [n, in] -> [n, out]. The default records one node over apply() and apply_transposed().
  virtual at::Tensor forward(const at::Tensor& x_ni, const Pass& pass) const;
  /// forward() of each of `layers`, of which this is the first, over the same x. The default is just that.
  /// @param name  what all of them are called in a profile; outlives the backward pass
  virtual std::vector<at::Tensor> forward_together(std::span<const Linear* const> layers, const char* name,
                                                   const at::Tensor& x_ni, const Pass& pass) const;
};

/// What layers that read the same x make of it, in their order. @param name  see Linear::forward_together()
inline std::vector<at::Tensor> forward_together(std::initializer_list<const Linear*> layers, const char* name,
                                                const at::Tensor& x_ni, const Pass& pass) {
  return (*layers.begin())->forward_together({layers.begin(), layers.size()}, name, x_ni, pass);
}

/// A frozen weight kept as it is computed with: f32 or bf16.
class DenseLinear final : public Linear {
 public:
  /// @param weight [out, in];  bias [out] of the same dtype
  DenseLinear(at::Tensor weight_oi, std::optional<at::Tensor> bias_o)
      : weight_(std::move(weight_oi)), bias_(std::move(bias_o)) {}
  std::int64_t in_features() const override { return weight_.size(1); }
  std::int64_t out_features() const override { return weight_.size(0); }
  at::Tensor weight(at::ScalarType dtype) const override { return weight_.to(dtype); }
  at::Tensor apply(const at::Tensor& x_ni) const override;
  at::Tensor apply_transposed(const at::Tensor& dy_no) const override;
  at::Tensor add_applied(at::Tensor sum_no, Rows& x_ni) const override;
  at::Tensor add_applied_transposed(at::Tensor sum_ni, const at::Tensor& dy_no) const override;

 private:
  at::Tensor weight_;
  std::optional<at::Tensor> bias_;
};

/// A place in a model where an adapter may put a wrapper.
struct LinearSlot {
  std::string name;  ///< Hugging Face's module name: model.layers.0.self_attn.q_proj
  std::unique_ptr<Linear>* linear;
  bool bias = false;
  bool is_output_head = false;                    ///< not part of `all-linear`
  bool is_expert = false;                         ///< nor is one that a router chooses
  bool is_default = false;                        ///< what PEFT adapts of the model's family where nothing is said
  std::optional<weights::StackPlace> stack = {};  ///< of an expert's
  int input = -1;  ///< neighbours with the same number read the same x; -1: nobody else reads it
};

}  // namespace pst::nn
