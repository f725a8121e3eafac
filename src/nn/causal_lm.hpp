// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include <vector>

#include "nn/batch.hpp"
#include "nn/frozen_storage.hpp"
#include "nn/linear.hpp"
#include "nn/slots.hpp"

namespace pst::nn {

/// Keys and values of the tokens seen so far, one pair per layer: [rows, key/value heads * dim].
struct KvCache {
  std::vector<at::Tensor> keys, values;
  std::int64_t rows = 0;
  bool invoked = false;      ///< the tokens of CausalLm::set_invocation() were among them
  std::int64_t longest = 0;  ///< rows that the document will have, as far as is known: some models need it
};

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
  /// Continues one document by ids i64 [n] without gradients and extends the cache. @return [n, hidden]
  virtual at::Tensor continue_document(const at::Tensor& ids, KvCache& cache) const = 0;
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
  virtual const FrozenStorage& frozen() const = 0;
  virtual std::int64_t vocabulary() const = 0;
  virtual std::int64_t max_positions() const = 0;
  /// What attention over a document of `rows` goes by, mean over the layers: rows squared, or less in a window.
  virtual std::int64_t attention_pairs(std::int64_t rows) const = 0;
};

}  // namespace pst::nn
