// SPDX-License-Identifier: Apache-2.0
#include "model/layout.hpp"

#include "core/strings.hpp"

namespace pst::model {

nn::FrozenLayout layout_of(const families::ModelSpec& spec, const weights::TensorStore& tensors, Dtype compute,
                           const std::shared_ptr<const nn::FrozenFormat>& matrices) {
  using Role = nn::FrozenBlock::Role;
  const std::shared_ptr<const nn::FrozenFormat> dense = matrices->of_ends(compute);
  nn::FrozenLayout layout;
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    nn::FrozenBlock& block = layout.emplace_back(nn::FrozenBlock{cat("layer ", i), Role::layer, {}});
    for (const auto* const linear : families::matrices_of(spec.layers[i]))
      block.add({tensors, linear->name + ".weight", linear->out, linear->in, linear->weight_place}, matrices);
  }
  const auto end = [&](const char* name, const std::string& module) {
    layout.emplace_back(nn::FrozenBlock{name, Role::end, {}})
        .add({tensors, module + ".weight", spec.vocabulary, spec.table_width()}, dense);
  };
  end("embedding", spec.embedding);
  if (!spec.tied_head) end("head", spec.head.name);
  return layout;
}

}  // namespace pst::model
