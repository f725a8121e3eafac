// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "families/rope_config.hpp"
#include "families/spec.hpp"
#include "json/object.hpp"

/// The common decoder: what most families' config.json and files have in common. A family says what is other in it,
/// and changes the layers that it gets.
namespace pst::families {

/// Keys of config.json that have several spellings.
struct DecoderKeys {
  const char* hidden = "hidden_size";
  const char* inner = "intermediate_size";
  const char* layers = "num_hidden_layers";
  const char* heads = "num_attention_heads";
  const char* positions = "max_position_embeddings";
  const char* eps = "rms_norm_eps";
  const char* act = "hidden_act";
};

/// What a key that is missing means.
struct Absent {
  std::int64_t positions = 2048;
  std::optional<std::int64_t> key_value_heads;           ///< none: as many as query heads
  std::optional<std::int64_t> head_dim;                  ///< none: hidden_size / heads
  std::optional<std::int64_t> inner, heads, vocabulary;  ///< none: the key is needed
  double eps = 1e-6, theta = 10000, rotary_part = 1;
  bool tied = false;
  const char* act = "silu";
};

/// Modules of a layer, after "model.layers.N."; empty: there is none.
struct LayerNames {
  std::string attention_norm = "input_layernorm", mlp_norm = "post_attention_layernorm";
  std::string attention_out_norm, mlp_out_norm;
  std::string q = "self_attn.q_proj", k = "self_attn.k_proj", v = "self_attn.v_proj", o = "self_attn.o_proj";
  std::string qkv;  ///< instead of the three
  std::string gate = "mlp.gate_proj", up = "mlp.up_proj", down = "mlp.down_proj";
  std::string gate_up;  ///< instead of the two
};

struct DecoderOptions {
  DecoderKeys keys = {};
  Absent absent = {};
  LayerNames names = {};
  std::string prefix = "model.", layers = "layers", embedding = "embed_tokens", final_norm = "norm", head = "lm_head";
  bool attention_bias = false, output_bias = false, mlp_bias = false, head_bias = false;  ///< output: of o
  bool norms_centred = false, norm_bias = false;                                          ///< LayerNorms
  double norm_offset = 0;  ///< added to stored norms' weights
  AttentionSpec::Fused fused = AttentionSpec::Fused::no;
  bool gated_mlp = true;
  std::optional<std::int64_t> window;  ///< of every layer
  bool turns = true;                   ///< rotary positions
  bool neighbours = false;             ///< features that turn together are neighbours
};

/// Reads sizes, norms, rotary positions (`ropes[0]`, of all layers), activation and token ids.
/// @throws Error(data) naming key and line
ModelSpec read_decoder(const json::Object& config, const DecoderOptions& options);

/// "model.layers.3."
std::string layer_prefix(std::size_t layer);

/// A norm of the stream as `options` has them. @param name  with its prefix
NormSpec norm_like(const std::string& name, std::int64_t width, double eps, const DecoderOptions& options);

/// An activation by its name in config.json. @throws Error(data) naming key and line
kernels::Act read_act(const json::Object& config, const char* key, const char* absent);

/// Whether each layer sees only a window, from `layer_types`: "sliding_attention" or "full_attention".
/// @param otherwise  where the key is absent: layer i slides
/// @throws Error(data) for another type, naming it, or a list of another length
std::vector<bool> read_sliding(const json::Object& config, std::size_t layers, bool (*otherwise)(std::size_t i));

/// @throws Error(data) where `key` is not 0: dropout inside a frozen model is not supported
void refuse_dropout(const json::Object& config, const char* key);

/// The same for a dropout that is not 0 where the key is missing.
void refuse_absent_dropout(const json::Object& config, const char* key, double absent);

/// Whether each layer sees only a window: `layer_types`, or all but every n-th of `sliding_window_pattern`.
/// @param absent  where neither is there; 0: none slides
std::vector<bool> read_sliding_pattern(const json::Object& config, std::size_t layers, std::int64_t absent);

/// "q_norm" and "k_norm" over each head's values, their weight shared by all heads.
void add_head_norms(LayerSpec& layer, const std::string& prefix, double eps, double offset = 0);

/// The same over all query heads at once, and all key heads.
void add_full_norms(LayerSpec& layer, const std::string& prefix, double eps);

}  // namespace pst::families
