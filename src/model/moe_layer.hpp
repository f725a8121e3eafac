// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "families/layer_spec.hpp"
#include "model/mlp_layer.hpp"
#include "model/parts.hpp"
#include "model/rows.hpp"

namespace pst::model {

/// A layer's mixture of experts: a router chooses some MLPs for each row, and adds up what they make of it.
class MoeLayer {
 public:
  /// @param shared       the MLP that every row takes as well, or null;  shared_gate: see its spec, or null
  /// @param experts      gate, up, down of the first expert, of the next ...
  MoeLayer(const families::MoeSpec& spec, const Parts& parts, std::unique_ptr<MlpLayer> shared,
           std::unique_ptr<nn::Linear> shared_gate, std::vector<std::unique_ptr<nn::Linear>> experts);

  /// @param x       [n, hidden] -> the same
  /// @param stream  [n, hidden]: what x is the norm of
  at::Tensor run(const at::Tensor& x_nd, const at::Tensor& stream_nd, const Rows& rows) const;
  std::vector<std::unique_ptr<nn::Linear>*> linears();  ///< of the shared MLP and its gate

  std::vector<std::unique_ptr<nn::Linear>*> experts();  ///< gate, up, down of each

 private:
  struct Choice {
    at::Tensor experts_nk, weights_nk;  ///< i64 and f32
  };
  Choice choose(const at::Tensor& x_nd, const Rows& rows) const;
  at::Tensor balanced(const at::Tensor& logits_ne, nn::Balance& balance) const;
  at::Tensor scores_for_choosing(const at::Tensor& scores_ne) const;
  at::Tensor expert(std::size_t index, const at::Tensor& x_rd, const Rows& rows) const;
  at::Tensor shared(const at::Tensor& x_nd, const Rows& rows) const;

  families::MoeSpec spec_;
  std::unique_ptr<nn::Linear> router_, shared_gate_;
  std::optional<ops::Norm> router_norm_, experts_norm_, experts_out_norm_, shared_out_norm_;
  at::Tensor correction_, expert_scales_;  // f32 [experts], or undefined
  std::unique_ptr<MlpLayer> shared_;
  std::vector<std::unique_ptr<nn::Linear>> experts_;
};

}  // namespace pst::model
