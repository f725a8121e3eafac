// SPDX-License-Identifier: Apache-2.0
#include "model/mlp_layer.hpp"

#include "ops/activation.hpp"
#include "ops/columns.hpp"

namespace pst::model {

MlpLayer::MlpLayer(const families::MlpSpec& spec, std::vector<std::unique_ptr<nn::Linear>> linears)
    : spec_(spec), inputs_(std::move(linears)) {
  down_ = std::move(inputs_.back());
  inputs_.pop_back();
}

std::vector<std::unique_ptr<nn::Linear>*> MlpLayer::linears() {
  std::vector<std::unique_ptr<nn::Linear>*> all;
  for (auto& linear : inputs_) all.push_back(&linear);
  all.push_back(&down_);
  return all;
}

at::Tensor MlpLayer::run(const at::Tensor& x_nd, const Rows& rows) const {
  return rows.through(*down_, activated(x_nd, rows));
}

at::Tensor MlpLayer::activated(const at::Tensor& x_nd, const Rows& rows) const {
  std::vector<const nn::Linear*> inputs;
  for (const auto& linear : inputs_) inputs.push_back(linear.get());
  auto products = rows.through(inputs, "gate_up_proj", x_nd);
  if (!spec_.gated) return ops::activate(spec_.act, products[0]);
  if (spec_.fused()) products = ops::split_columns(products[0], 1, {spec_.inner, spec_.inner});
  return ops::gated(spec_.act, products[0], products[1]);
}

}  // namespace pst::model
