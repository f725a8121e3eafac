// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include <span>
#include <vector>

#include "nn/batch.hpp"
#include "nn/frozen_storage.hpp"
#include "nn/linear.hpp"
#include "nn/sequences.hpp"
#include "nn/slots.hpp"

namespace pst::nn {

enum class Recompute {
  nothing,
  layers
};  ///< gradient checkpointing: keep a layer's input, or all that its backward needs

/// A decoder that predicts the next token.
class CausalLm {
 public:
  virtual ~CausalLm() = default;
  /// @return [n, hidden]: the final norm's output, before the head. Documents do not see one another. Where the frozen
  ///         matrices are spread over ranks, a pass (and its backward) is collective.
  virtual at::Tensor forward(const Batch& batch, const Pass& pass, Recompute recompute) const = 0;
  /// Continues sequences without gradients: ids i64 [n] are the new rows of one after the other. @return [n, hidden]
  virtual at::Tensor continue_sequences(const at::Tensor& ids, std::span<const Continued> parts,
                                        KvPages& pages) const = 0;
  /// Rows that a sequence begins with besides those of its tokens.
  virtual std::int64_t virtual_rows() const = 0;
  /// Sequences that will be so long have the same keys for equal beginnings where this number is the same.
  virtual std::int64_t kind_of_length(std::int64_t longest) const = 0;
  /// Whether a sequence has more than keys and values: Sequence::states.
  virtual bool keeps_states() const = 0;
  /// Dtype and device of rows that go from layer to layer.
  virtual at::TensorOptions rows_like() const = 0;
  /// What the head makes of rows [m, hidden]: [m, vocabulary]. Differentiable where gradients are recorded; the loss
  /// may then write over the values.
  virtual at::Tensor logits(const at::Tensor& rows_md) const = 0;
  /// Every linear layer, in the model's order.
  virtual std::vector<LinearSlot> linears() = 0;
  /// Makes the weight of a layer readable, by its index in linears(). Collective where the frozen matrices are spread
  /// over ranks.
  virtual void make_readable(std::size_t linear) = 0;
  /// The norms that have one row of stored values, in the model's order.
  virtual std::vector<NormSlot> norms() = 0;
  virtual EmbeddingSlot embedding() = 0;
  virtual void make_embedding_readable() = 0;  ///< like make_readable()
  virtual std::int64_t hidden() const = 0;
  /// Width of a token's keys, and of its values, in each layer; 0: the layer has none.
  virtual std::vector<std::int64_t> key_values() const = 0;
  // From then on they stand before every document.
  virtual void set_virtual_tokens(std::unique_ptr<VirtualTokens> tokens) = 0;
  virtual void set_virtual_keys(std::unique_ptr<VirtualKeys> keys) = 0;
  /// From then on passes say which rows are active (Pass::active): those from the last occurrence of these tokens on,
  /// in each document. A continued document is searched by the tokens of one call, as of a prompt.
  virtual void set_invocation(std::vector<std::int64_t> tokens) = 0;
  /// Of a sequence with this prompt: from which of its rows on the adapter acts.
  virtual std::int64_t active_from(std::span<const std::int32_t> prompt) const = 0;
  virtual const FrozenStorage& frozen() const = 0;
  virtual std::int64_t vocabulary() const = 0;
  virtual std::int64_t max_positions() const = 0;
  /// What attention over a document of `rows` goes by, mean over the layers: rows squared, or less in a window.
  virtual std::int64_t attention_pairs(std::int64_t rows) const = 0;
};

}  // namespace pst::nn
