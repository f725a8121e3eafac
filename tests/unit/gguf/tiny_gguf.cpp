// SPDX-License-Identifier: Apache-2.0
#include "tiny_gguf.hpp"

#include <cmath>
#include <numbers>
#include <stdexcept>

#include "core/strings.hpp"
#include "families/read_model.hpp"
#include "families/rope_config.hpp"
#include "weights/safetensors.hpp"

namespace pst::gguf::fixture {
namespace {

std::string with_part(std::string name, const std::string& from, const std::string& to) {
  const auto at = name.find(from);
  return at == name.npos ? name : name.replace(at, from.size(), to);
}

std::string converted_name(std::string name) {
  if (name == "model.norm.weight") return "output_norm.weight";
  name = with_part(name, "model.embed_tokens", "token_embd");
  name = with_part(name, "lm_head", "output");
  name = with_part(name, "model.layers", "blk");
  name = with_part(name, "self_attn.o_proj", "attn_output");
  for (const char* letter : {"q", "k", "v"})
    name = with_part(name, cat("self_attn.", letter, "_proj"), cat("attn_", letter));
  for (const char* part : {"gate", "up", "down"}) name = with_part(name, cat("mlp.", part, "_proj"), cat("ffn_", part));
  name = with_part(name, "input_layernorm", "attn_norm");
  return with_part(name, "post_attention_layernorm", "ffn_norm");
}

/// The converter's reordering, as it does it: each head's rows as [2, d/2], transposed to [d/2, 2].
std::string permuted(const std::string& rows, std::size_t heads, std::size_t row_bytes) {
  const std::size_t d = rows.size() / row_bytes / heads;
  std::string result;
  for (std::size_t head = 0; head < heads; ++head)
    for (std::size_t pair = 0; pair < d / 2; ++pair)
      for (std::size_t half = 0; half < 2; ++half)
        result += rows.substr((head * d + half * (d / 2) + pair) * row_bytes, row_bytes);
  return result;
}

/// One divisor per rotary pair, as the converter computes them from llama3 scaling. @see
/// LlamaModel.generate_extra_tensors
std::string rope_factors(const families::RopeSpec& rope) {
  const families::LowFrequencyScaling s;  // what fixture::TinyModel::llama3_rope says, but for the positions
  std::string bytes;
  for (std::int64_t i = 0; i < rope.dim; i += 2) {
    const double wavelength =
        2 * std::numbers::pi * std::pow(rope.theta, static_cast<double>(i) / static_cast<double>(rope.dim));
    const double low = 8192 / s.low_freq_factor, high = 8192 / s.high_freq_factor;
    double factor = s.factor;
    if (wavelength < high)
      factor = 1;
    else if (wavelength <= low) {
      const double smooth = (8192 / wavelength - s.low_freq_factor) / (s.high_freq_factor - s.low_freq_factor);
      factor = 1 / ((1 - smooth) / s.factor + smooth);
    }
    bytes += raw(static_cast<float>(factor));
  }
  return bytes;
}

}  // namespace

TinyGguf::Tensor& TinyGguf::tensor(const std::string& name) {
  for (auto& tensor : tensors)
    if (tensor.name == name) return tensor;
  throw std::runtime_error("the tiny model has no tensor " + name);
}

void TinyGguf::set_texts(const std::string& key, const std::vector<std::string>& values) {
  std::string bytes = raw<std::uint32_t>(8) + raw<std::uint64_t>(values.size());
  for (const auto& value : values) bytes += gguf_string(value);
  metadata[key] = {9, bytes};
}

void TinyGguf::set_i32s(const std::string& key, const std::vector<std::int32_t>& values) {
  std::string bytes = raw<std::uint32_t>(5) + raw<std::uint64_t>(values.size());
  for (const auto value : values) bytes += raw(value);
  metadata[key] = {9, bytes};
}

void TinyGguf::set_f32s(const std::string& key, const std::vector<float>& values) {
  std::string bytes = raw<std::uint32_t>(6) + raw<std::uint64_t>(values.size());
  for (const auto value : values) bytes += raw(value);
  metadata[key] = {9, bytes};
}

std::string TinyGguf::bytes() const {
  GgufBytes file;
  for (const auto& [key, entry] : metadata) file.add(key, entry.first, entry.second);
  for (const auto& tensor : tensors) file.add_tensor(tensor.name, tensor.dimensions, tensor.type, tensor.bytes);
  return file.bytes();
}

TinyGguf tiny_gguf(const std::filesystem::path& dir, const pst::fixture::TinyModel& model) {
  const families::ModelSpec spec = families::read_model(dir);
  const families::LayerSpec& layer = spec.layers.front();
  TinyGguf file;
  file.set_text("general.architecture", "llama");
  const auto size = [&](const char* key, std::int64_t value) { file.set_u32(key, static_cast<std::uint32_t>(value)); };
  size("llama.embedding_length", spec.hidden);
  size("llama.feed_forward_length", layer.mlp.inner);
  size("llama.block_count", static_cast<std::int64_t>(spec.layers.size()));
  size("llama.attention.head_count", layer.attention.query_heads);
  size("llama.attention.head_count_kv", layer.attention.key_value_heads);
  size("llama.context_length", spec.positions);
  size("llama.rope.dimension_count", layer.attention.head_dim);
  if (model.head_dim != 0) size("llama.attention.key_length", layer.attention.head_dim);
  file.set_f32("llama.attention.layer_norm_rms_epsilon", static_cast<float>(spec.final_norm->eps));
  file.set_f32("llama.rope.freq_base", static_cast<float>(spec.ropes.at(0).theta));
  set_small_vocabulary(file);

  const weights::TensorStore store = weights::TensorStore::open(dir);
  for (const auto& tensor : store.tensors()) {
    std::string bytes(reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size());
    const auto row_bytes = tensor.bytes.size() / static_cast<std::size_t>(tensor.shape[0]);
    if (tensor.name.find("q_proj") != std::string::npos)
      bytes = permuted(bytes, static_cast<std::size_t>(model.heads), row_bytes);
    if (tensor.name.find("k_proj") != std::string::npos)
      bytes = permuted(bytes, static_cast<std::size_t>(model.kv_heads), row_bytes);
    file.tensors.push_back({converted_name(tensor.name), {tensor.shape.rbegin(), tensor.shape.rend()}, 30, bytes});
  }
  if (spec.ropes.at(0).kind == "llama3")
    file.tensors.push_back({"rope_freqs.weight",
                            {static_cast<std::uint64_t>(layer.attention.head_dim / 2)},
                            0,
                            rope_factors(spec.ropes.at(0))});
  return file;
}

void set_small_vocabulary(TinyGguf& file) {
  file.set_text("tokenizer.ggml.model", "gpt2");
  file.set_text("tokenizer.ggml.pre", "smollm");
  file.set_texts("tokenizer.ggml.tokens", {"a", "b", "Ġ", "\"", "ab", "<|end|>", "<think>", "[PAD7]"});
  file.set_i32s("tokenizer.ggml.token_type", {1, 1, 1, 1, 1, 3, 4, 5});
  file.set_texts("tokenizer.ggml.merges", {"a b"});
  file.set_u32("tokenizer.ggml.bos_token_id", 5);
  file.set_u32("tokenizer.ggml.eos_token_id", 5);
}

}  // namespace pst::gguf::fixture
