// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "adapters/adapter_folder.hpp"
#include "adapters/low_rank.hpp"

namespace pst::adapters {

/// A layer's update scale * B A, of a LoRA adapter.
struct LoraLayer {
  std::string module;  ///< Hugging Face's name, without PEFT's prefix
  const weights::Tensor *a = nullptr, *b = nullptr;
  double scale = 1;
  bool is_embedding = false;  ///< A is [r, vocabulary], B [width, r]
  /// Of a parameter that holds all experts: A and B are those of all (methods/expert_stacks.hpp).
  std::int64_t expert = 0, experts = 1;
  std::int64_t rank() const { return a->shape[0] / experts; }
  std::int64_t in() const { return a->shape[1]; }
  std::int64_t out() const { return b->shape[0]; }

  Columns columns_of_b() const;                 ///< [out, r]
  Columns columns_of_a() const;                 ///< [in, r]: A's rows
  std::vector<double> singular_values() const;  ///< of the whole update, falling
};

/// In the order of names. @throws Error(data) naming the tensor: an A without its B, shapes that do not go together,
/// a dtype that is no number
std::vector<LoraLayer> lora_layers(const AdapterFolder& folder);

/// Whether it is LoRA of linear layers and embeddings and nothing besides: no sizes (DoRA), biases, trained rows or
/// modules. Else what it has besides.
std::string beyond_plain_lora(const methods::Adapter& adapter);  ///< empty: it is plain

}  // namespace pst::adapters
