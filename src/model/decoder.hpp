// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>

#include "families/spec.hpp"
#include "nn/causal_lm.hpp"
#include "weights/safetensors.hpp"

namespace pst::model {

/// Builds the decoder that a spec describes. All weights are frozen.
/// @param compute    dtype of products: at::kFloat or at::kBFloat16. Norms, biases, embedding and head are kept in it
/// @param matrices   how the layers' matrices are kept
/// @param storage    where matrices, embedding and head are kept; called once. The model computes on the device of its
///                   tensors
/// @param positions  longest document that will come; at most the spec's
/// @param noise      NEFTune's alpha: noise on the embeddings of training passes (embedding_noise.hpp); 0: none
/// @throws Error(data) when a tensor is missing or has another shape
std::unique_ptr<nn::CausalLm> load(const families::ModelSpec& spec, const weights::TensorStore& tensors,
                                   at::ScalarType compute, std::shared_ptr<const nn::FrozenFormat> matrices,
                                   const nn::MakeStorage& storage, std::int64_t positions, double noise = 0);

/// The same with everything as it is computed with, in this process.
std::unique_ptr<nn::CausalLm> load(const families::ModelSpec& spec, const weights::TensorStore& tensors,
                                   at::ScalarType compute, std::int64_t positions);

}  // namespace pst::model
