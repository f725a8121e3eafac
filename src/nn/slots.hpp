// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "ops/norm.hpp"

// Places of a model where an adapter may hook in, besides its linear layers (nn/linear.hpp).
namespace pst::nn {

/// A norm of a model, and the values that its file has.
struct NormSlot {
  std::string name;  ///< Hugging Face's module name: model.layers.0.input_layernorm
  ops::Norm* norm;
  double offset = 0;  ///< what is added to the stored weight
};

/// The rows of tokens.
class Embedding {
 public:
  virtual ~Embedding() = default;
  /// ids i64 [n] -> [n, width] in the dtype of products; differentiable in what is trained.
  virtual at::Tensor rows(const at::Tensor& ids) const = 0;
};
struct EmbeddingSlot {
  std::string name;  ///< model.embed_tokens
  std::unique_ptr<Embedding>* embedding;
  std::int64_t vocabulary = 0, width = 0;
  bool is_head = false;  ///< the head is the same matrix
};

/// Learned rows that stand before every document's own: they have positions and are attended to; no token is predicted
/// at them.
class VirtualTokens {
 public:
  virtual ~VirtualTokens() = default;
  virtual std::int64_t count() const = 0;
  /// [count, hidden] in the dtype of products, differentiable: what stands in place of embeddings.
  virtual at::Tensor rows() const = 0;
};

/// Learned keys and values before those of every document, in each layer.
class VirtualKeys {
 public:
  virtual ~VirtualKeys() = default;
  virtual std::int64_t count() const = 0;
  /// Keys and values of a layer: [count, key/value heads * dim] each in the dtype of products, differentiable. Keys are
  /// as attention uses them: not turned.
  virtual std::pair<at::Tensor, at::Tensor> of(std::size_t layer) const = 0;
};

}  // namespace pst::nn
