// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "methods/targets.hpp"

namespace pst::methods {

/// A norm of a model that has one row of stored values.
struct NormPlace {
  std::string name;  ///< model.layers.0.input_layernorm
  std::int64_t width = 0;
  bool bias = false;
};

/// All of a model that an adapter may change.
struct Places {
  Places() = default;
  Places(std::vector<LinearLayer> layers) : linears(std::move(layers)) {}  // NOLINT: a model of linear layers alone

  std::vector<LinearLayer> linears;
  std::vector<NormPlace> norms;
  std::vector<std::string> other_biases;  ///< tensors that PEFT's `bias: all` trains, of neither
  std::string embedding;                  ///< model.embed_tokens
  std::int64_t vocabulary = 0, embedding_width = 0, hidden = 0;
  bool tied_head = false;                ///< the head is the embedding
  bool has_token_vectors = false;        ///< layers have vectors of each token: rows that are no tokens have none
  std::vector<std::int64_t> key_values;  ///< width of a token's keys, and of its values, by layer; 0: it has none
};

}  // namespace pst::methods
