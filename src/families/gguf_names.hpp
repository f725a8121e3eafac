// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string_view>

/// What llama.cpp's converter makes of a family's folder, as data: the import undoes it.
/// @see llama.cpp convert_hf_to_gguf.py; gguf-py/gguf/constants.py for the names
namespace pst::families {

/// The rows of a tensor in a GGUF file, where they are not in Hugging Face's order.
enum class GgufRows {
  same,
  pairs,   ///< rows of a head that turn together are neighbours: 0, d/2, 1, d/2 + 1 ...
  thirds,  ///< all of q, then of k, then of v; Hugging Face: q, k and v of the first head, then of the next
  columns  ///< Hugging Face's columns
};

/// A tensor of a layer, or of several that lie one behind the other in the file.
struct GgufPart {
  /// After the layer's number: a module, whose weight and bias keep their names, or the whole name of a tensor. A "*"
  /// in Hugging Face's stands for a number: theirs has one matrix more for each.
  std::string_view ours, theirs;
  GgufRows rows = GgufRows::same;
  std::string_view second = {};  ///< tensor with the other half of the rows
  bool alternating = false;      ///< those halves alternate, instead of following each other
};

/// A key of config.json, and where its value comes from.
struct GgufKey {
  std::string_view ours;
  enum class Kind {
    size,          ///< a whole number above 0
    real,          ///< a number above 0
    flag,          ///< true or false
    tensor,        ///< whether there is this tensor
    key_heads,     ///< a size; where it is missing, that of query heads
    head_dim,      ///< a size; where it is missing, hidden by query heads
    score_divisor  ///< head_dim; in a model of as many layers as `theirs` says, hidden by query heads
  };
  Kind kind = Kind::size;
  std::string_view theirs = {};  ///< after the architecture and a dot; of Kind::tensor: its name
  std::string_view absent = {};  ///< JSON of the value where the file has none; empty: the file is refused
};

/// Keys that most families' config.json have in common.
inline constexpr std::array<GgufKey, 7> kGgufSizes = {
    {{"hidden_size", GgufKey::Kind::size, "embedding_length"},
     {"intermediate_size", GgufKey::Kind::size, "feed_forward_length"},
     {"num_hidden_layers", GgufKey::Kind::size, "block_count"},
     {"num_attention_heads", GgufKey::Kind::size, "attention.head_count"},
     {"num_key_value_heads", GgufKey::Kind::key_heads, "attention.head_count_kv"},
     {"head_dim", GgufKey::Kind::head_dim, "attention.key_length"},
     {"max_position_embeddings", GgufKey::Kind::size, "context_length"}}};

inline constexpr GgufKey kGgufRmsEps = {"rms_norm_eps", GgufKey::Kind::real, "attention.layer_norm_rms_epsilon"};

/// Of LayerNorms, whose key in config.json has several names.
constexpr GgufKey gguf_layer_norm_eps(std::string_view ours) {
  return {ours, GgufKey::Kind::real, "attention.layer_norm_epsilon"};
}

/// What rotary positions are called.
struct GgufRope {
  bool turns = true;
  std::string_view theta = "rope_theta";
  std::string_view part = {};          ///< key of the part of a head that turns; empty: all of it has to
  std::string_view yarn_members = {};  ///< JSON object: what the family's scaling always says
};

/// A row per architecture of GGUF files that a family reads.
struct GgufNames {
  std::string_view architecture;  ///< of general.architecture, and the beginning of its metadata's keys
  /// Metadata without which a file of this architecture is another family's. Empty: none.
  std::string_view when = {};
  std::span<const GgufPart> layer_parts;
  std::span<const GgufKey> sizes = kGgufSizes;
  GgufKey eps = kGgufRmsEps;
  std::span<const GgufKey> more = {};
  std::string_view fixed = "{}";  ///< JSON object: what is the same in all models of the family
  GgufRope rope = {};
  /// 0: no windows. 1: one for every layer, where there is one. Else the last of so many layers has none.
  int window_pattern = 0;
};

/// Parts of layers that most families' files have in common: llama's, without its reordered heads.
inline constexpr GgufPart kGgufAttentionNorm = {"input_layernorm", "attn_norm"},
                          kGgufQ = {"self_attn.q_proj", "attn_q"}, kGgufK = {"self_attn.k_proj", "attn_k"},
                          kGgufV = {"self_attn.v_proj", "attn_v"}, kGgufO = {"self_attn.o_proj", "attn_output"},
                          kGgufTurnedQ = {"self_attn.q_proj", "attn_q", GgufRows::pairs},
                          kGgufTurnedK = {"self_attn.k_proj", "attn_k", GgufRows::pairs},
                          kGgufQNorm = {"self_attn.q_norm", "attn_q_norm"},
                          kGgufKNorm = {"self_attn.k_norm", "attn_k_norm"},
                          kGgufMlpNorm = {"post_attention_layernorm", "ffn_norm"},
                          kGgufGate = {"mlp.gate_proj", "ffn_gate"}, kGgufUp = {"mlp.up_proj", "ffn_up"},
                          kGgufDown = {"mlp.down_proj", "ffn_down"}, kGgufRouter = {"mlp.gate", "ffn_gate_inp"},
                          kGgufExpertGate = {"mlp.experts.*.gate_proj", "ffn_gate_exps"},
                          kGgufExpertUp = {"mlp.experts.*.up_proj", "ffn_up_exps"},
                          kGgufExpertDown = {"mlp.experts.*.down_proj", "ffn_down_exps"};

/// Llama's layers, and those of families that differ in their computation only.
inline constexpr std::array<GgufPart, 9> kGgufTurnedParts = {
    kGgufAttentionNorm, kGgufTurnedQ, kGgufTurnedK, kGgufV, kGgufO, kGgufMlpNorm, kGgufGate, kGgufUp, kGgufDown};
/// The same with heads in Hugging Face's order, and norms of heads, which not all have.
inline constexpr std::array<GgufPart, 11> kGgufPlainParts = {
    kGgufAttentionNorm, kGgufQ,       kGgufK,    kGgufV,  kGgufO,   kGgufQNorm,
    kGgufKNorm,         kGgufMlpNorm, kGgufGate, kGgufUp, kGgufDown};

}  // namespace pst::families
