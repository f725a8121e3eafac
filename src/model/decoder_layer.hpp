// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "model/attention_layer.hpp"
#include "model/delta_layer.hpp"
#include "model/mlp_layer.hpp"
#include "model/moe_layer.hpp"
#include "ops/activation.hpp"

namespace pst::model {

/// What a layer adds of its tokens' own vectors.
struct TokenGate {
  kernels::Act act;
  std::unique_ptr<nn::Linear> gate, projection;
  ops::Norm norm;

  /// @param vectors  [n, width]
  at::Tensor run(const at::Tensor& x_nd, const at::Tensor& vectors, const Rows& rows) const {
    const at::Tensor gated = ops::gated(act, rows.through(*gate, x_nd), vectors);
    return ops::norm(rows.through(*projection, gated), norm);
  }
};

/// The parts of a decoder layer, as its spec has them.
struct Layer {
  std::optional<ops::Norm> attention_norm, attention_out_norm, mlp_norm, mlp_out_norm;
  at::Tensor scalar;                          // [1] in the dtype of products, or undefined
  std::unique_ptr<AttentionLayer> attention;  // one of these two
  std::unique_ptr<DeltaLayer> delta;
  std::unique_ptr<MlpLayer> mlp;  // one of these two
  std::unique_ptr<MoeLayer> moe;
  std::unique_ptr<TokenGate> token_gate;  // or null

  at::Tensor mixed(const at::Tensor& x_nd, const Rows& rows, AttentionLayer::Shared& shared) const {
    return delta ? delta->run(x_nd, rows) : attention->run(x_nd, rows, shared);
  }
  /// @param stream  what x is the norm of
  at::Tensor through_mlp(const at::Tensor& x_nd, const at::Tensor& stream_nd, const Rows& rows) const {
    return moe ? moe->run(x_nd, stream_nd, rows) : mlp->run(x_nd, rows);
  }
  /// In the order of families::linears_of().
  std::vector<std::unique_ptr<nn::Linear>*> linears() {
    auto all = delta ? delta->linears() : attention->linears();
    const auto more = moe ? moe->linears() : mlp->linears();
    all.insert(all.end(), more.begin(), more.end());
    if (token_gate)
      for (auto* const linear : {&token_gate->gate, &token_gate->projection}) all.push_back(linear);
    return all;
  }
};

/// @param index  of the layer, and of its block
Layer make_layer(const families::LayerSpec& spec, std::size_t index, const std::vector<RopeTables>& tables,
                 const Parts& parts);

}  // namespace pst::model
