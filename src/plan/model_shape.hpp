// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "families/spec.hpp"
#include "lowbit/codec.hpp"
#include "methods/adapter.hpp"
#include "plan/costs.hpp"
#include "recipe/model.hpp"

namespace pst::plan {

/// How a frozen matrix is kept (docs/quantisation.md).
struct Kept {
  weights::NumberFormat format = weights::NumberFormat::none;
  lowbit::Scales scales = lowbit::Scales::plain;  ///< of NF4
  bool is_quantised() const { return format != weights::NumberFormat::none; }
  bool operator==(const Kept&) const = default;
};

/// A frozen linear layer, and what its adapter adds.
struct LinearShape {
  std::int64_t in = 0, out = 0;
  std::int64_t rank = 0;  ///< of a low-rank update; 0: it has none
  bool bias = false;
  Kept kept;
  families::Reads reads = families::Reads::attention_input;
  bool adapted = false, keeps_input = false;
  std::int64_t kept_values = 0;  ///< that the adapter keeps of each token, besides the input
  std::int64_t values() const { return in * out; }
  double bytes(Dtype compute) const;  ///< of the matrix as it is kept
  bool operator==(const LinearShape&) const = default;
};

struct AttentionShape {
  std::int64_t query_heads = 0, key_value_heads = 0, head_dim = 0;
  std::optional<std::int64_t> window;
  bool capped = false;  ///< each score goes through tanh
  std::int64_t query() const { return query_heads * head_dim; }
  std::int64_t key_value() const { return key_value_heads * head_dim; }
  std::int64_t groups() const { return key_value_heads == 0 ? 0 : query_heads / key_value_heads; }
  bool operator==(const AttentionShape&) const = default;
};

/// What a router and the experts behind it are, as far as time and memory go.
struct ExpertsShape {
  std::int64_t count = 0, chosen = 0, inner = 0;
  bool operator==(const ExpertsShape&) const = default;
};

/// Decoder layers that are alike.
struct LayerShape {
  std::vector<LinearShape> linears;  ///< in the model's order: those that read the same rows are neighbours
  AttentionShape attention;
  std::int64_t inner = 0;  ///< width of the MLP, where there is one without a router
  bool gated = true;       ///< two of its products have this width
  ExpertsShape routed;
  std::vector<LinearShape> experts;  ///< matrices of those that a router chooses from
  double taken = 0;                  ///< the part of the tokens that each of them sees
  std::int64_t norms = 2;            ///< of the stream or of what is added to it
  std::int64_t head_norms = 0;       ///< values of a token in norms of queries and keys
  std::int64_t split = 0;            ///< values of a token in products that are cut into several
  bool one_input = false;            ///< attention and MLP read the same rows
  std::int64_t between = 2;          ///< arrays of the stream's width that a layer hands on: the stream, and its norm
  // Of a token, for backward, besides what its attention, its MLP and its adapters keep:
  std::int64_t kept = 0;      ///< values: sums of the stream, inputs of norms, outputs of experts
  std::int64_t kept_f32 = 0;  ///< numbers in f32: norms' statistics, a router's scores and choices
  std::int64_t count = 0;
  /// Runs of linears that read the same rows.
  std::vector<std::span<const LinearShape>> by_input() const;
};

/// Trained tensors of one shape.
struct TrainedShape {
  std::vector<std::int64_t> shape;
  std::int64_t count = 0;
};

/// The sizes of a model with its adapter: all that time and memory depend on.
struct ModelShape {
  std::int64_t hidden = 0, vocabulary = 0, positions = 0;
  std::int64_t rotated = 0;  ///< values that rotary tables have for a position
  std::vector<LayerShape> layers;
  LinearShape head;
  families::LogitSpec logits;         ///< what becomes of the head's output
  bool final_sum = false;             ///< the last norm keeps a sum besides those that layers keep
  std::int64_t tensors = 0;           ///< of the frozen model
  std::int64_t frozen = 0;            ///< values of the base model
  std::int64_t norms = 0;             ///< those of them that are norms' weights, which are kept in f32
  std::int64_t trainable = 0;         ///< values of the adapter
  std::int64_t trainable_padded = 0;  ///< values of the flat arrays that hold them (nn::ParameterSet)
  std::vector<TrainedShape> trained;  ///< the adapter's tensors
  std::int64_t projected = 0;         ///< values of the adapter that are not trained
  std::int64_t matrices_made = 0;     ///< values that an adapted layer makes at most for a pass, whatever the tokens
  std::int64_t virtual_rows = 0;      ///< before every document
  std::int64_t method_arrays = 0;     ///< of the method's own state, each as large as the adapter
  std::int64_t adapted_layers = 0;    ///< linear layers with an adapter
  bool dropout = false;               ///< some adapter zeroes input features
  bool narrow_head = false;           ///< a product stands between the stream and the head
  std::int64_t token_values = 0;      ///< of the vectors that layers have of each token

  std::int64_t layer_count() const;
  std::int64_t end_values() const { return vocabulary * hidden; }  ///< of the embedding, and of the head
  std::int64_t largest_block_values() const;                       ///< of a layer's matrices, the embedding or the head
  // Bytes, with dense values in the dtype of products:
  double frozen_bytes(Dtype compute) const;         ///< the whole base as it is kept
  double layer_bytes(Dtype compute) const;          ///< the matrices of all layers
  double largest_layer_bytes(Dtype compute) const;  ///< those of one
  double dequantised_bytes(Dtype compute) const;    ///< where the layers' matrices are dequantised, one after the other
  std::int64_t widest_inner() const;                ///< of the layers' MLPs
};

/// @throws Error(usage) as methods::adapt() does
ModelShape shape_of(const families::ModelSpec& model, const methods::Adapter& adapter, std::int64_t positions,
                    const recipe::Quantization& quantization = {});

}  // namespace pst::plan
