// SPDX-License-Identifier: Apache-2.0
#include "model/decoder_layer.hpp"

#include <utility>

namespace pst::model {
namespace {

/// Takes a layer's matrices, in the order of families::matrices_of(), by the dozen.
class Matrices {
 public:
  Matrices(const Parts& parts, std::size_t block, const families::LayerSpec& layer)
      : parts_(parts), block_(block), specs_(families::matrices_of(layer)) {}
  std::vector<std::unique_ptr<nn::Linear>> next(std::size_t count) {
    std::vector<std::unique_ptr<nn::Linear>> linears;
    for (const std::size_t end = at_ + count; at_ < end; ++at_)
      linears.push_back(parts_.linear(block_, at_, *specs_.at(at_)));
    return linears;
  }

 private:
  const Parts& parts_;
  std::size_t block_, at_ = 0;
  std::vector<const families::LinearSpec*> specs_;
};

}  // namespace

Layer make_layer(const families::LayerSpec& spec, std::size_t index, const std::vector<RopeTables>& tables,
                 const Parts& parts) {
  Layer layer{.attention_norm = parts.norm(spec.attention_norm),
              .attention_out_norm = parts.norm(spec.attention_out_norm),
              .mlp_norm = parts.norm(spec.mlp_norm),
              .mlp_out_norm = parts.norm(spec.mlp_out_norm),
              .attention = {},
              .delta = {},
              .mlp = {},
              .moe = {},
              .token_gate = {}};
  if (!spec.scalar.empty()) layer.scalar = parts.tensor(spec.scalar);
  Matrices matrices(parts, index, spec);
  if (spec.delta)
    layer.delta = std::make_unique<DeltaLayer>(*spec.delta, index, parts, matrices.next(spec.delta->inputs.size() + 1));
  else
    layer.attention = std::make_unique<AttentionLayer>(spec.attention, index, tables, parts,
                                                       matrices.next(spec.attention.inputs.size() + 1));
  const auto mlp = [&](const families::MlpSpec& of) {
    return std::make_unique<MlpLayer>(of, matrices.next(of.inputs.size() + 1));
  };
  const auto token_gate = [&] {
    if (!spec.token_gate) return;
    auto made = matrices.next(2);
    layer.token_gate = std::make_unique<TokenGate>(
        TokenGate{spec.mlp.act, std::move(made[0]), std::move(made[1]), parts.norm(spec.token_gate->norm)});
  };
  if (!spec.moe) {
    layer.mlp = mlp(spec.mlp);
    token_gate();
    return layer;
  }
  std::unique_ptr<MlpLayer> shared = spec.moe->shared ? mlp(*spec.moe->shared) : nullptr;
  std::unique_ptr<nn::Linear> gate;
  if (spec.moe->shared_gate) gate = std::move(matrices.next(1).front());
  token_gate();
  layer.moe = std::make_unique<MoeLayer>(*spec.moe, parts, std::move(shared), std::move(gate),
                                         matrices.next(3 * spec.moe->experts.size()));
  return layer;
}

}  // namespace pst::model
