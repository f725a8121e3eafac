// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <vector>

#include "families/layer_spec.hpp"
#include "model/rows.hpp"

namespace pst::model {

/// A layer's MLP.
class MlpLayer {
 public:
  /// @param linears  its matrices in the order of its spec, the last of them down
  MlpLayer(const families::MlpSpec& spec, std::vector<std::unique_ptr<nn::Linear>> linears);

  /// @param x  [n, hidden] -> the same
  at::Tensor run(const at::Tensor& x_nd, const Rows& rows) const;
  std::vector<std::unique_ptr<nn::Linear>*> linears();

 private:
  at::Tensor activated(const at::Tensor& x_nd, const Rows& rows) const;

  families::MlpSpec spec_;
  std::vector<std::unique_ptr<nn::Linear>> inputs_;
  std::unique_ptr<nn::Linear> down_;
};

}  // namespace pst::model
