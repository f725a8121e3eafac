// SPDX-License-Identifier: Apache-2.0
// config.json and generation_config.json, written. The spelling is that of transformers 4, which 5 reads as well.
#include <nlohmann/json.hpp>

#include "core/strings.hpp"
#include "weights/model_config.hpp"

namespace pst::weights {
namespace {

using Json = nlohmann::ordered_json;

Json eos_json(const ModelConfig& config) {
  if (config.eos_token_ids.empty()) return nullptr;
  if (config.eos_token_ids.size() == 1) return config.eos_token_ids.front();
  return config.eos_token_ids;
}

template <class T>
Json optional_json(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

/// @see neuralmagic/compressed-tensors, QuantizationConfig: weights with a scale per row, inputs with one per token
Json fp8_config(const std::vector<std::string>& dense_modules) {
  const auto eight_bits = [](const char* strategy, bool dynamic) {
    return Json{{"num_bits", 8}, {"type", "float"}, {"symmetric", true}, {"strategy", strategy}, {"dynamic", dynamic}};
  };
  Json ignored = Json::array();
  for (const auto& name : dense_modules) {
    ignored.push_back(name);
    if (name != "lm_head") ignored.push_back(cat("re:.*", name, "$"));  // an ending, which a plain name is not there
  }
  return {{"quant_method", "compressed-tensors"},
          {"format", "float-quantized"},
          {"quantization_status", "compressed"},
          {"config_groups",
           {{"group_0",
             {{"targets", {"Linear"}},
              {"weights", eight_bits("channel", false)},
              {"input_activations", eight_bits("token", true)}}}}},
          {"ignore", ignored}};
}

Json rope_scaling_json(const std::optional<RopeScaling>& scaling) {
  if (!scaling) return nullptr;
  return {{"rope_type", "llama3"},
          {"factor", scaling->factor},
          {"low_freq_factor", scaling->low_freq_factor},
          {"high_freq_factor", scaling->high_freq_factor},
          {"original_max_position_embeddings", scaling->original_max_position_embeddings}};
}

}  // namespace

std::string model_config_json(const ModelConfig& config, const std::string& torch_dtype) {
  const Json json = {{"architectures", {"LlamaForCausalLM"}},
                     {"model_type", config.model_type},
                     {"vocab_size", config.vocab_size},
                     {"hidden_size", config.hidden_size},
                     {"intermediate_size", config.intermediate_size},
                     {"num_hidden_layers", config.num_hidden_layers},
                     {"num_attention_heads", config.num_attention_heads},
                     {"num_key_value_heads", config.num_key_value_heads},
                     {"head_dim", config.head_dim},
                     {"hidden_act", "silu"},
                     {"max_position_embeddings", config.max_position_embeddings},
                     {"rms_norm_eps", config.rms_norm_eps},
                     {"rope_theta", config.rope_theta},
                     {"rope_scaling", rope_scaling_json(config.rope_scaling)},
                     {"attention_bias", config.attention_bias},
                     {"mlp_bias", config.mlp_bias},
                     {"tie_word_embeddings", config.tie_word_embeddings},
                     {"bos_token_id", optional_json(config.bos_token_id)},
                     {"eos_token_id", eos_json(config)},
                     {"pad_token_id", optional_json(config.pad_token_id)},
                     {"torch_dtype", torch_dtype}};
  return json.dump(2) + "\n";
}

std::string generation_config_json(const ModelConfig& config) {
  const Json json = {{"bos_token_id", optional_json(config.bos_token_id)},
                     {"eos_token_id", eos_json(config)},
                     {"pad_token_id", optional_json(config.pad_token_id)}};
  return json.dump(2) + "\n";
}

std::string quantised_config_json(const std::string& config_json, StoredFormat format, bool double_quantisation,
                                  const std::vector<std::string>& dense_modules) {
  Json config = Json::parse(config_json);
  if (format == StoredFormat::fp8) {
    config["quantization_config"] = fp8_config(dense_modules);
    return config.dump(2) + "\n";
  }
  Json quantised = {{"quant_method", "bitsandbytes"},
                    {"load_in_4bit", format == StoredFormat::nf4},
                    {"load_in_8bit", format == StoredFormat::int8},
                    {"llm_int8_skip_modules", dense_modules}};
  if (format == StoredFormat::nf4)
    quantised.update({{"bnb_4bit_quant_type", "nf4"},
                      {"bnb_4bit_use_double_quant", double_quantisation},
                      {"bnb_4bit_quant_storage", "uint8"},
                      {"bnb_4bit_compute_dtype", "bfloat16"}});
  config["quantization_config"] = std::move(quantised);
  return config.dump(2) + "\n";
}

}  // namespace pst::weights
