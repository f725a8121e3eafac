// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace pst::fixture {

/// A decoder small enough to train in a test. Everything is a pure function of these values.
struct TinyModel {
  std::string model_type = "llama";
  std::uint64_t seed = 1;
  std::int64_t hidden = 32, layers = 2, heads = 4, kv_heads = 2, intermediate = 64;
  std::int64_t head_dim = 0;  ///< 0: hidden / heads
  std::int64_t vocab = 320;   ///< at least kTinyTokens; the tokenizer knows the first kTinyTokens
  std::int64_t max_positions = 512;
  bool attention_bias = false, mlp_bias = false, tied = true;
  std::int64_t sliding_window = 0;  ///< 0: not in the config
  bool llama3_rope = false;         ///< llama3 scaling: factor 8, low 1, high 4, original 64
  double rope_theta = 10000, rms_norm_eps = 1e-5;
  double init_std = 0.04;     ///< of every matrix and bias; norms are near one
  std::string dtype = "F32";  ///< F32, BF16 or F16
  /// A JSON object of more keys of config.json, or other values of those above; null takes a key out.
  std::string config = "{}";
};

/// Tokens of the tiny tokenizer: 256 bytes, 8 merges, then the special <|endoftext|>, <|im_start|> and <|im_end|>.
constexpr std::int32_t kTinyMerges = 8, kTinyTokens = 256 + kTinyMerges + 3;
constexpr std::int32_t kTinyEndOfText = 264, kTinyImStart = 265, kTinyImEnd = 266;

/// The text of its config.json.
std::string tiny_config_json(const TinyModel& model);

/// Writes a Hugging Face folder: config.json, generation_config.json, model.safetensors, tokenizer.json (byte-level BPE
/// of the kind `smollm`), tokenizer_config.json, chat_template.jinja (ChatML). Existing files are replaced.
/// @throws Error(usage) on values that make no model; Error(io)
void write_tiny_model(const std::filesystem::path& dir, const TinyModel& model = {});

}  // namespace pst::fixture
