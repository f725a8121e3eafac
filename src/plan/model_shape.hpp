#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "recipe/adapter.hpp"
#include "weights/model_config.hpp"

namespace pst::plan {

/// A frozen linear layer, and the rank of its adapter: 0 where it has none.
struct LinearShape {
  std::int64_t in = 0, out = 0, rank = 0;
  bool bias = false;
  bool operator==(const LinearShape&) const = default;
};

/// Decoder layers that are alike.
struct LayerShape {
  enum Slot { q, k, v, o, gate, up, down };
  std::array<LinearShape, 7> linears;
  std::int64_t count = 0;
};

/// The sizes of a model with its adapter: all that time and memory depend on.
struct ModelShape {
  std::int64_t hidden = 0, query = 0, key_value = 0, inner = 0, vocabulary = 0;
  std::int64_t query_heads = 0, key_value_heads = 0, head_dim = 0, positions = 0;
  std::vector<LayerShape> layers;
  LinearShape head;
  std::int64_t tensors = 0;           ///< of the frozen model
  std::int64_t frozen = 0;            ///< values of the base model
  std::int64_t trainable = 0;         ///< values of the adapter
  std::int64_t trainable_padded = 0;  ///< values of the flat arrays that hold them (nn::ParameterSet)
  std::int64_t adapted_layers = 0;    ///< linear layers with an adapter

  std::int64_t layer_count() const;
  std::int64_t layer_values() const;  ///< frozen values of the matrices of all layers
  std::int64_t largest_layer() const;
  std::int64_t end_values() const { return vocabulary * hidden; }  ///< of the embedding, and of the head
  std::int64_t groups() const { return query_heads / key_value_heads; }
};

/// @throws Error(usage) as recipe::select_layers does
ModelShape shape_of(const weights::ModelConfig& config, const recipe::Adapter& adapter, std::int64_t positions);

}  // namespace pst::plan
