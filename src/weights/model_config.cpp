// SPDX-License-Identifier: Apache-2.0
#include "weights/model_config.hpp"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "weights/generation_config.hpp"
#include "weights/json_object.hpp"

namespace pst::weights {
namespace {

using nlohmann::json;

constexpr std::int64_t kMaxLayers = 10'000;

void read_rope_kind(const JsonObject& rope, ModelConfig& config) {
  const auto modern = rope.text("rope_type"), legacy = rope.text("type");
  const std::string kind = modern ? *modern : legacy ? *legacy : "default";
  if (const auto part = rope.positive("partial_rotary_factor"); part && *part != 1.0)
    rope.refuse("partial_rotary_factor", "is not 1; rotating a part of each head is not supported");
  if (kind == "default") return;
  if (kind != "llama3")
    rope.refuse(modern ? "rope_type" : "type", cat("is ", quoted(kind), "; only 'default' and 'llama3' are supported"));
  RopeScaling scaling;
  scaling.factor = rope.needed_positive("factor");
  scaling.low_freq_factor = rope.needed_positive("low_freq_factor");
  scaling.high_freq_factor = rope.needed_positive("high_freq_factor");
  scaling.original_max_position_embeddings = rope.needed_size("original_max_position_embeddings");
  if (scaling.factor < 1) rope.refuse("factor", "is below 1");
  if (!(scaling.high_freq_factor > scaling.low_freq_factor))
    rope.refuse("high_freq_factor", "must be above low_freq_factor");
  config.rope_scaling = scaling;
}

/// v4: `rope_theta` beside `rope_scaling`, which is null or an object. v5: both in `rope_parameters`.
void read_rope(const JsonObject& root, ModelConfig& config) {
  if (const auto theta = root.positive("rope_theta")) config.rope_theta = *theta;
  if (root.find("rope_parameters")) {
    const JsonObject rope = root.inner("rope_parameters");
    if (const auto theta = rope.positive("rope_theta")) config.rope_theta = *theta;
    read_rope_kind(rope, config);
  } else if (root.find("rope_scaling")) {
    read_rope_kind(root.inner("rope_scaling"), config);
  }
}

std::int32_t read_token_id(const JsonObject& root, std::string_view key, const json& value, std::int64_t vocab_size) {
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() >= static_cast<std::uint64_t>(vocab_size))
    root.refuse(key, cat("is ", JsonObject::shown(value), "; a token id lies from 0 to ", vocab_size - 1));
  return value.get<std::int32_t>();
}

std::vector<std::int32_t> read_token_ids(const JsonObject& root, std::string_view key, std::int64_t vocab_size) {
  const json* value = root.find(key);
  std::vector<std::int32_t> ids;
  if (!value) return ids;
  if (!value->is_array()) return {read_token_id(root, key, *value, vocab_size)};
  if (value->size() > 1000) root.refuse(key, "lists more than 1000 tokens");
  for (const auto& entry : *value) ids.push_back(read_token_id(root, key, entry, vocab_size));
  return ids;
}

/// Whether compressed-tensors' config says 8-bit floats with a scale per row or matrix. How inputs were to be scaled
/// does not matter here: they are scaled as they come.
/// @see neuralmagic/compressed-tensors, QuantizationConfig
bool is_scaled_fp8(const JsonObject& quantised) {
  const json* const groups = quantised.find("config_groups");
  if (!groups || !groups->is_object() || groups->size() != 1 || !groups->begin()->is_object()) return false;
  const auto weights = groups->begin()->find("weights");
  if (weights == groups->begin()->end() || !weights->is_object()) return false;
  const auto says = [&](const char* key, std::initializer_list<json> accepted) {
    const auto found = weights->find(key);
    return found != weights->end() && std::find(accepted.begin(), accepted.end(), *found) != accepted.end();
  };
  return says("num_bits", {8}) && says("type", {"float"}) && says("symmetric", {true}) &&
         says("strategy", {"channel", "tensor"});
}

/// @see transformers, utils/quantization_config.py: BitsAndBytesConfig, CompressedTensorsConfig, FbgemmFp8Config
StoredFormat read_stored_format(const JsonObject& root) {
  if (!root.find("quantization_config")) return StoredFormat::dense;
  const JsonObject quantised = root.inner("quantization_config");
  const char* const remedy = "use the model's bf16 or fp16 version";
  const std::string kind = quantised.text("quant_method").value_or("bitsandbytes");
  if (kind == "fbgemm_fp8" || (kind == "compressed-tensors" && is_scaled_fp8(quantised))) return StoredFormat::fp8;
  const bool four = quantised.flag("load_in_4bit") || quantised.flag("_load_in_4bit");
  const bool eight = quantised.flag("load_in_8bit") || quantised.flag("_load_in_8bit");
  if (kind != "bitsandbytes" || four == eight)
    root.refuse("quantization_config",
                cat("is of the method ", quoted(kind), kind == "bitsandbytes" ? " without 4 or 8 bits" : "",
                    "; supported are bitsandbytes' NF4 and INT8, and 8-bit floats with a scale per row or matrix of "
                    "compressed-tensors and fbgemm_fp8"),
                remedy);
  if (eight) return StoredFormat::int8;
  if (const auto type = quantised.text("bnb_4bit_quant_type").value_or("fp4"); type != "nf4")
    root.refuse("bnb_4bit_quant_type", cat("is ", quoted(type), "; supported is 'nf4'"), remedy);
  if (const auto storage = quantised.text("bnb_4bit_quant_storage").value_or("uint8"); storage != "uint8")
    root.refuse("bnb_4bit_quant_storage", cat("is ", quoted(storage), "; supported is 'uint8'"), remedy);
  return StoredFormat::nf4;
}

void refuse_what_would_be_ignored(const JsonObject& root) {
  if (const json* dropout = root.find("attention_dropout");
      dropout && !(dropout->is_number() && dropout->get<double>() == 0))
    root.refuse("attention_dropout", "is not 0; dropout inside attention is not supported", "set it to 0.0");
}

}  // namespace

ModelConfig parse_model_config(std::string_view text, const std::string& name) {
  const json value = parse_json_object(text, name);
  const JsonObject root(value, text, name);
  ModelConfig config;

  const auto model_type = root.text("model_type");
  if (!model_type)
    throw Error(Fault::data, cat(name, ": 'model_type' is missing"), "name the config.json of a language model");
  if (*model_type != "llama")
    root.refuse("model_type", cat("is ", quoted(*model_type), "; supported is 'llama'"),
                "use a model of the llama family (Llama 2/3, SmolLM2, TinyLlama ...)");
  config.model_type = *model_type;
  if (const auto activation = root.text("hidden_act"); activation && *activation != "silu")
    root.refuse("hidden_act", cat("is ", quoted(*activation), "; supported is 'silu'"));
  refuse_what_would_be_ignored(root);
  config.stored = read_stored_format(root);

  config.vocab_size = root.needed_size("vocab_size", std::numeric_limits<std::int32_t>::max());
  config.hidden_size = root.needed_size("hidden_size");
  config.intermediate_size = root.needed_size("intermediate_size");
  config.num_hidden_layers = root.needed_size("num_hidden_layers", kMaxLayers);
  config.num_attention_heads = root.needed_size("num_attention_heads");
  config.num_key_value_heads = root.size("num_key_value_heads").value_or(config.num_attention_heads);
  if (config.num_attention_heads % config.num_key_value_heads != 0)
    root.refuse("num_key_value_heads", cat("is ", config.num_key_value_heads, ", which does not divide the ",
                                           config.num_attention_heads, " attention heads"));
  const auto head_dim = root.size("head_dim", 65536);
  if (!head_dim && config.hidden_size % config.num_attention_heads != 0)
    root.refuse("num_attention_heads", cat("is ", config.num_attention_heads, ", which does not divide hidden_size ",
                                           config.hidden_size, ", and there is no head_dim"));
  config.head_dim = head_dim.value_or(config.hidden_size / config.num_attention_heads);
  if (config.head_dim % 2 != 0)
    root.refuse("head_dim", cat("is ", config.head_dim, "; rotary positions need an even one"));
  config.max_position_embeddings = root.size("max_position_embeddings").value_or(2048);  // LlamaConfig's default

  if (const auto eps = root.positive("rms_norm_eps")) config.rms_norm_eps = *eps;
  read_rope(root, config);
  config.attention_bias = root.flag("attention_bias");
  config.mlp_bias = root.flag("mlp_bias");
  config.tie_word_embeddings = root.flag("tie_word_embeddings");
  config.eos_token_ids = read_token_ids(root, "eos_token_id", config.vocab_size);
  if (const json* bos = root.find("bos_token_id"))
    config.bos_token_id = read_token_id(root, "bos_token_id", *bos, config.vocab_size);
  if (const json* pad = root.find("pad_token_id");
      pad && pad->is_number_unsigned() && pad->get<std::uint64_t>() < static_cast<std::uint64_t>(config.vocab_size))
    config.pad_token_id = pad->get<std::int32_t>();
  return config;
}

std::vector<std::int32_t> parse_generation_eos(std::string_view text, const std::string& name,
                                               std::int64_t vocab_size) {
  const json value = parse_json_object(text, name);
  return read_token_ids(JsonObject(value, text, name), "eos_token_id", vocab_size);
}

std::vector<TensorSpec> expected_tensors(const ModelConfig& config) {
  const auto hidden = config.hidden_size, inner = config.intermediate_size;
  const auto q = config.num_attention_heads * config.head_dim, kv = config.num_key_value_heads * config.head_dim;
  std::vector<TensorSpec> tensors = {{"model.embed_tokens.weight", {config.vocab_size, hidden}}};
  const auto linear = [&](const std::string& name, std::int64_t out, std::int64_t in, bool bias) {
    tensors.push_back({name + ".weight", {out, in}});
    if (bias) tensors.push_back({name + ".bias", {out}});
  };
  for (std::int64_t i = 0; i < config.num_hidden_layers; ++i) {
    const std::string layer = cat("model.layers.", i, ".");
    tensors.push_back({layer + "input_layernorm.weight", {hidden}});
    linear(layer + "self_attn.q_proj", q, hidden, config.attention_bias);
    linear(layer + "self_attn.k_proj", kv, hidden, config.attention_bias);
    linear(layer + "self_attn.v_proj", kv, hidden, config.attention_bias);
    linear(layer + "self_attn.o_proj", hidden, q, config.attention_bias);
    tensors.push_back({layer + "post_attention_layernorm.weight", {hidden}});
    linear(layer + "mlp.gate_proj", inner, hidden, config.mlp_bias);
    linear(layer + "mlp.up_proj", inner, hidden, config.mlp_bias);
    linear(layer + "mlp.down_proj", hidden, inner, config.mlp_bias);
  }
  tensors.push_back({"model.norm.weight", {hidden}});
  if (!config.tie_word_embeddings) tensors.push_back({"lm_head.weight", {config.vocab_size, hidden}});
  return tensors;
}

bool is_layer_matrix(std::string_view name) {
  return starts_with(name, "model.layers.") && ends_with(name, "_proj.weight");
}

}  // namespace pst::weights
