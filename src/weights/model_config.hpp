// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weights/stored_format.hpp"

namespace pst::weights {

/// llama3 RoPE scaling. @see Llama 3.1 model card; transformers modeling_rope_utils
struct RopeScaling {
  double factor = 8, low_freq_factor = 1, high_freq_factor = 4;
  std::int64_t original_max_position_embeddings = 8192;
};

/// config.json of the llama family, in the spelling of transformers 4 or 5.
struct ModelConfig {
  std::string model_type;  ///< "llama"
  std::int64_t vocab_size = 0, hidden_size = 0, intermediate_size = 0;
  std::int64_t num_hidden_layers = 0, num_attention_heads = 0, num_key_value_heads = 0, head_dim = 0;
  std::int64_t max_position_embeddings = 0;
  double rms_norm_eps = 1e-6, rope_theta = 10000;
  std::optional<RopeScaling> rope_scaling;
  bool attention_bias = false, mlp_bias = false, tie_word_embeddings = false;
  std::vector<std::int32_t> eos_token_ids;  ///< from generation_config.json when that names them, else config.json
  std::optional<std::int32_t> bos_token_id;
  StoredFormat stored = StoredFormat::dense;  ///< from quantization_config; single matrices may be dense all the same
  std::optional<std::int32_t> pad_token_id;   ///< only when it is an id of the vocabulary: some configs say -1
};

/// @throws Error(data) with file:line where possible: unknown model_type, an activation that is not silu, a rope type
/// that is
///         not default or llama3, a size that is missing, not positive or does not divide, a quantisation that is not
///         bitsandbytes' NF4 or INT8
ModelConfig parse_model_config(std::string_view json, const std::string& name);
ModelConfig read_model_config(const std::filesystem::path& model_dir);

/// The text of a config.json and of a generation_config.json that say the same, as transformers 4 and 5 read them.
/// @param torch_dtype "bfloat16", "float32" ...
std::string model_config_json(const ModelConfig& config, const std::string& torch_dtype);
std::string generation_config_json(const ModelConfig& config);

/// The text of a config.json with `quantization_config` set, everything else as it was.
std::string quantised_config_json(const std::string& config_json, StoredFormat format, bool double_quantisation,
                                  const std::vector<std::string>& dense_modules);

struct TensorSpec {
  std::string name;
  std::vector<std::int64_t> shape;
};
/// The tensors that a model of this config is made of, in Hugging Face's names; without lm_head when it is tied.
std::vector<TensorSpec> expected_tensors(const ModelConfig& config);
/// Whether a tensor of that list is the matrix of a decoder layer's linear layer: what may be quantised.
bool is_layer_matrix(std::string_view name);

/// Digest over the content of config.json, tokenizer.json and every .safetensors file of the folder, in the order of
/// their names: two folders agree exactly when training from them is the same. @throws Error(data) without a
/// config.json; Error(io)
std::string model_digest(const std::filesystem::path& model_dir);

/// Checks a folder: config, every expected tensor present with its shape and a floating dtype, or quantised in the
/// layout that config.json names. @throws Error(data) listing up to ten problems at once
void check_model(const std::filesystem::path& model_dir);

}  // namespace pst::weights
