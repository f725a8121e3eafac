// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <vector>

#include "families/layer_spec.hpp"
#include "model/parts.hpp"
#include "model/rows.hpp"

namespace pst::model {

/// A layer's gated delta rule, in the place of attention: from the rows it reads to what it adds to the stream.
class DeltaLayer {
 public:
  /// @param linears  its matrices in the order of its spec, the last of them out
  DeltaLayer(const families::DeltaSpec& spec, std::size_t layer, const Parts& parts,
             std::vector<std::unique_ptr<nn::Linear>> linears);

  /// @param x  [n, hidden] -> the same
  at::Tensor run(const at::Tensor& x_nd, const Rows& rows) const;
  std::vector<std::unique_ptr<nn::Linear>*> linears();

 private:
  struct Parted {
    at::Tensor mixed;  ///< [n, q, k and v side by side], before the convolution
    at::Tensor z, b, a;
  };
  Parted part(const at::Tensor& x_nd, const Rows& rows) const;
  at::Tensor convolved(const at::Tensor& mixed, const std::vector<std::int64_t>& starts, at::Tensor& before) const;
  at::Tensor ruled(const at::Tensor& convolved, const at::Tensor& g, const at::Tensor& beta,
                   const std::vector<std::int64_t>& starts, const at::Tensor& state) const;
  at::Tensor continued(const at::Tensor& mixed, const at::Tensor& g, const at::Tensor& beta,
                       const Continuation& to) const;

  families::DeltaSpec spec_;
  std::size_t layer_;
  at::Tensor taps_;                // f32 [columns, taps]
  at::Tensor decay_, decay_bias_;  // f32 [value heads]: -exp(A_log), dt_bias
  ops::Norm norm_, q_norm_, k_norm_;
  std::vector<std::unique_ptr<nn::Linear>> inputs_;
  std::unique_ptr<nn::Linear> out_;
};

}  // namespace pst::model
