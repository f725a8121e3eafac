#pragma once
#include <memory>

#include "nn/causal_lm.hpp"
#include "weights/model_config.hpp"
#include "weights/safetensors.hpp"

namespace pst::model {

/// The llama family: RMSNorm, rotary positions, grouped-query attention, SwiGLU. Weights are frozen and copied in
/// `dtype`.
/// @param device     where weights lie and the model computes
/// @param dtype      at::kFloat or at::kBFloat16
/// @param positions  longest document that will come; at most the config's max_position_embeddings
/// @throws Error(data) when a tensor is missing or has another shape
std::unique_ptr<nn::CausalLm> load_llama(const weights::ModelConfig& config, const weights::TensorStore& tensors,
                                         at::ScalarType dtype, std::int64_t positions, at::Device device = at::kCPU);

}  // namespace pst::model
