// SPDX-License-Identifier: Apache-2.0
#include "gguf/llama.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <numbers>
#include <set>
#include <utility>

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::gguf {
namespace {

constexpr const char* kRopeFactors = "rope_freqs.weight";

/// Inner part of the names: Hugging Face's after "model.layers.N.", llama.cpp's after "blk.N.".
constexpr std::array<std::pair<const char*, const char*>, 9> kLayerNames = {{
    {"input_layernorm", "attn_norm"},
    {"self_attn.q_proj", "attn_q"},
    {"self_attn.k_proj", "attn_k"},
    {"self_attn.v_proj", "attn_v"},
    {"self_attn.o_proj", "attn_output"},
    {"post_attention_layernorm", "ffn_norm"},
    {"mlp.gate_proj", "ffn_gate"},
    {"mlp.up_proj", "ffn_up"},
    {"mlp.down_proj", "ffn_down"},
}};

[[noreturn]] void refuse(const File& file, const std::string& reason, const std::string& remedy = {}) {
  throw Error(Fault::data, cat(file.path().string(), ": ", reason), remedy);
}

/// A float32 as the decimal number that its writer meant: 1e-05 and not 9.999999747378752e-06.
double decimal(double value) {
  const auto single = static_cast<float>(value);
  if (static_cast<double>(single) != value) return value;
  std::array<char, 64> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), single).ptr;
  double exact = value;
  std::from_chars(text.data(), end, exact);
  return exact;
}

std::string file_name_of(const std::string& name) {
  if (name == "model.embed_tokens.weight") return "token_embd.weight";
  if (name == "model.norm.weight") return "output_norm.weight";
  if (name == "lm_head.weight") return "output.weight";
  const auto after_prefix = name.substr(std::string_view("model.layers.").size());
  const auto dot = after_prefix.find('.'), last_dot = after_prefix.rfind('.');
  const std::string part = after_prefix.substr(dot + 1, last_dot - dot - 1);
  for (const auto& [ours, theirs] : kLayerNames)
    if (part == ours) return cat("blk.", after_prefix.substr(0, dot), ".", theirs, after_prefix.substr(last_dot));
  throw Error(Fault::bug, cat("an expected tensor has no name in GGUF: ", name));
}

std::int64_t permuted_heads(const std::string& name, const weights::ModelConfig& config) {
  if (name.find(".q_proj.") != name.npos) return config.num_attention_heads;
  if (name.find(".k_proj.") != name.npos) return config.num_key_value_heads;
  return 0;
}

/// By how much llama3 scaling divides the frequency of rotary pair `i`. @see transformers, _compute_llama3_parameters
double llama3_divisor(std::int64_t i, const weights::ModelConfig& config, const weights::RopeScaling& scaling) {
  const double frequency =
      std::pow(config.rope_theta, -2.0 * static_cast<double>(i) / static_cast<double>(config.head_dim));
  const double wavelength = 2 * std::numbers::pi / frequency;
  const auto original = static_cast<double>(scaling.original_max_position_embeddings);
  if (wavelength < original / scaling.high_freq_factor) return 1;
  if (wavelength > original / scaling.low_freq_factor) return scaling.factor;
  const double smooth =
      (original / wavelength - scaling.low_freq_factor) / (scaling.high_freq_factor - scaling.low_freq_factor);
  return 1 / ((1 - smooth) / scaling.factor + smooth);
}

/// The converter stores llama3 scaling as one divisor per rotary pair and drops the four numbers it came from. All
/// Llama 3.x models share three of them; the factor is the largest divisor. Accepted only when this gives back every
/// divisor.
weights::RopeScaling recover_llama3(const File& file, const TensorInfo& tensor, const weights::ModelConfig& config) {
  if (tensor.count() != config.head_dim / 2)
    refuse(file, cat(kRopeFactors, " has ", tensor.count(), " values, not half of head_dim"));
  std::vector<float> divisors(static_cast<std::size_t>(tensor.count()));
  dequantize(tensor.type, tensor.bytes, divisors);
  weights::RopeScaling scaling;
  scaling.factor = decimal(*std::max_element(divisors.begin(), divisors.end()));
  for (std::size_t i = 0; i < divisors.size(); ++i) {
    const double expected = llama3_divisor(static_cast<std::int64_t>(i), config, scaling);
    if (!(std::abs(divisors[i] - expected) <= 1e-4 * expected))
      refuse(file,
             cat(kRopeFactors, " is not Llama 3's scaling (", number(divisors[i]), " instead of ", number(expected),
                 " for pair ", i, ")"),
             "take the model's Hugging Face folder");
  }
  return scaling;
}

std::optional<std::int32_t> token_id(const File& file, const std::string& key, std::int64_t vocab_size) {
  const auto id = file.integer(key);
  if (id && (*id < 0 || *id >= vocab_size)) refuse(file, cat(key, " is ", *id, ", no token of the ", vocab_size));
  return id ? std::optional(static_cast<std::int32_t>(*id)) : std::nullopt;
}

void read_token_ids(const File& file, weights::ModelConfig& config) {
  for (const char* key :
       {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"}) {
    const auto id = token_id(file, key, config.vocab_size);
    auto& ids = config.eos_token_ids;
    if (id && std::find(ids.begin(), ids.end(), *id) == ids.end()) ids.push_back(*id);
  }
  config.bos_token_id = token_id(file, "tokenizer.ggml.bos_token_id", config.vocab_size);
  config.pad_token_id = token_id(file, "tokenizer.ggml.padding_token_id", config.vocab_size);
}

void refuse_other_models(const File& file) {
  const std::string architecture = file.needed_text("general.architecture");
  if (architecture != "llama")
    refuse(file, cat("the architecture ", quoted(architecture), " is not supported"),
           "supported is 'llama' (Llama 2/3, SmolLM2, TinyLlama ...)");
  if (const auto type = file.text("general.type"); type && *type != "model")
    refuse(file, cat("it holds a ", quoted(*type), ", not a model"));
  if (file.integer("llama.expert_count").value_or(0) > 0) refuse(file, "a mixture of experts is not supported");
  if (const auto kind = file.text("llama.rope.scaling.type"); kind && *kind != "none")
    refuse(file, cat("llama.rope.scaling.type is ", quoted(*kind), ", which is not supported"));
}

std::int64_t size_of(const File& file, const char* key, std::int64_t most) {
  const auto value = file.needed_integer(key);
  if (value < 1 || value > most) refuse(file, cat(key, " is ", value, "; it must lie from 1 to ", most));
  return value;
}

}  // namespace

weights::ModelConfig llama_config(const File& file) {
  constexpr std::int64_t kMost = std::int64_t{1} << 31;
  refuse_other_models(file);
  const TensorInfo* const embedding = file.find_tensor("token_embd.weight");
  if (!embedding || embedding->shape.size() != 2) refuse(file, "there is no matrix token_embd.weight");

  weights::ModelConfig config;
  config.model_type = "llama";
  config.vocab_size = embedding->shape[0];
  if (config.vocab_size >= kMost) refuse(file, "the vocabulary is too large");
  config.hidden_size = size_of(file, "llama.embedding_length", kMost);
  config.intermediate_size = size_of(file, "llama.feed_forward_length", kMost);
  config.num_hidden_layers = size_of(file, "llama.block_count", 10'000);
  config.num_attention_heads = size_of(file, "llama.attention.head_count", kMost);
  config.num_key_value_heads = file.find("llama.attention.head_count_kv")
                                   ? size_of(file, "llama.attention.head_count_kv", kMost)
                                   : config.num_attention_heads;
  config.head_dim = file.find("llama.attention.key_length") ? size_of(file, "llama.attention.key_length", 65536)
                                                            : config.hidden_size / config.num_attention_heads;
  if (config.head_dim < 2 || config.head_dim % 2 != 0)
    refuse(file, cat("a head of ", config.head_dim, " values cannot be rotated"));
  if (const auto value = file.integer("llama.attention.value_length"); value && *value != config.head_dim)
    refuse(file, cat("values have ", *value, " dimensions and keys ", config.head_dim, "; they must agree"));
  if (const auto rotated = file.integer("llama.rope.dimension_count"); rotated && *rotated != config.head_dim)
    refuse(file,
           cat("only ", *rotated, " of ", config.head_dim, " dimensions of a head are rotated; that is not supported"));
  config.max_position_embeddings = size_of(file, "llama.context_length", kMost);

  const auto eps = file.real("llama.attention.layer_norm_rms_epsilon");
  if (!eps || !(*eps > 0) || !std::isfinite(*eps))
    refuse(file, "llama.attention.layer_norm_rms_epsilon is missing or not above 0");
  config.rms_norm_eps = decimal(*eps);
  if (const auto theta = file.real("llama.rope.freq_base")) {
    if (!(*theta > 0) || !std::isfinite(*theta)) refuse(file, "llama.rope.freq_base is not above 0");
    config.rope_theta = decimal(*theta);
  }
  if (const TensorInfo* factors = file.find_tensor(kRopeFactors))
    config.rope_scaling = recover_llama3(file, *factors, config);
  config.attention_bias = file.find_tensor("blk.0.attn_q.bias") != nullptr;
  config.mlp_bias = file.find_tensor("blk.0.ffn_gate.bias") != nullptr;
  config.tie_word_embeddings = file.find_tensor("output.weight") == nullptr;
  read_token_ids(file, config);
  return config;
}

std::vector<Source> llama_sources(const File& file, const weights::ModelConfig& config) {
  std::vector<Source> sources;
  std::set<std::string> used = {kRopeFactors};  // told by the config
  for (auto& target : weights::expected_tensors(config)) {
    const std::string name = file_name_of(target.name);
    const TensorInfo* const tensor = file.find_tensor(name);
    if (!tensor) refuse(file, cat("tensor ", name, " is missing"), "take a complete GGUF of the model");
    if (tensor->shape != target.shape) {
      std::vector<std::string> have, want;
      for (const auto size : tensor->shape) have.push_back(std::to_string(size));
      for (const auto size : target.shape) want.push_back(std::to_string(size));
      refuse(file,
             cat("tensor ", name, " is [", join(have, ", "), "], but the metadata make it [", join(want, ", "), "]"));
    }
    used.insert(name);
    const auto heads = permuted_heads(target.name, config);
    sources.push_back({std::move(target), tensor, heads});
  }
  for (const auto& tensor : file.tensors())
    if (used.count(tensor.name) == 0)
      refuse(file, cat("tensor ", quoted(tensor.name), " does not belong to a llama model"));
  return sources;
}

std::int64_t source_row(std::int64_t row, std::int64_t rows, std::int64_t heads) {
  if (heads == 0) return row;
  const std::int64_t size = rows / heads, head = row / size, half = row % size / (size / 2), pair = row % (size / 2);
  return head * size + 2 * pair + half;
}

}  // namespace pst::gguf
