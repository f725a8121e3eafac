// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weights/number_format.hpp"

namespace pst::families {

/// Which rows of a decoder layer a linear layer reads.
enum class Reads {
  attention_input,  ///< the stream behind the first norm
  mixed,            ///< the heads' output, side by side
  mlp_input,        ///< the stream behind the second norm
  activated         ///< what the MLP's activation gives
};

/// A frozen product y = x W^T + b, as it lies in a model's files: `<name>.weight` [out, in] and `<name>.bias` [out].
struct LinearSpec {
  std::string name;  ///< Hugging Face's module: model.layers.0.self_attn.q_proj
  std::int64_t out = 0, in = 0;
  bool bias = false;
  Reads reads = Reads::attention_input;
  std::int64_t values() const { return out * in; }
};

/// x / rms(x) * weight. @see Zhang and Sennrich 2019, arXiv:1910.07467
struct NormSpec {
  std::string name;  ///< of the module
  double eps = 1e-6;
};

/// Stretches the low frequencies of rotary positions. @see transformers modeling_rope_utils, rope_type "llama3"
struct LowFrequencyScaling {
  double factor = 8, low_freq_factor = 1, high_freq_factor = 4;
  std::int64_t original_positions = 8192;
};

/// Rotary positions: pair i of a head's `dim` values turns by position * theta^(-2i/dim).
/// @see Su et al. 2021, arXiv:2104.09864
struct RopeSpec {
  double theta = 10000;
  std::int64_t dim = 0;
  std::optional<LowFrequencyScaling> scaling;
};

/// Softmax attention of query heads that share key/value heads. @see Ainslie et al. 2023, arXiv:2305.13245
struct AttentionSpec {
  std::int64_t query_heads = 0, key_value_heads = 0, head_dim = 0;
  std::optional<std::int64_t> window;  ///< a row sees itself and window - 1 rows before it; absent: all before it
  LinearSpec q, k, v, o;
  std::int64_t query() const { return query_heads * head_dim; }
  std::int64_t key_value() const { return key_value_heads * head_dim; }
  std::int64_t groups() const { return query_heads / key_value_heads; }
};

/// down(silu(gate x) * up x). @see Shazeer 2020, arXiv:2002.05202
struct MlpSpec {
  std::int64_t inner = 0;
  LinearSpec gate, up, down;
};

/// x += attention(norm(x)); x += mlp(norm(x)).
struct LayerSpec {
  NormSpec attention_norm, mlp_norm;
  AttentionSpec attention;
  MlpSpec mlp;
};

/// What a model is made of, in the order in which it computes. Everything that has to know this reads it here: loading,
/// adapters' targets, the plan's memory and time, reports' FLOPs, import, quantisation, inspection.
struct ModelSpec {
  std::string model_type;  ///< of config.json
  std::int64_t vocabulary = 0, hidden = 0;
  std::int64_t positions = 0;  ///< longest document
  std::string embedding;       ///< module of the table [vocabulary, hidden]
  std::vector<LayerSpec> layers;
  NormSpec final_norm;
  LinearSpec head;         ///< hidden -> vocabulary
  bool tied_head = false;  ///< its matrix is the embedding
  RopeSpec rope;

  std::vector<std::int32_t> eos_token_ids;  ///< from generation_config.json when that names them, else config.json
  std::optional<std::int32_t> bos_token_id;
  std::optional<std::int32_t> pad_token_id;  ///< only when it is an id of the vocabulary: some configs say -1
  /// From quantization_config; single matrices may be dense all the same.
  weights::NumberFormat stored = weights::NumberFormat::none;
};

/// The linear layers of a decoder layer, in the model's order.
std::vector<const LinearSpec*> linears_of(const LayerSpec& layer);

/// A linear layer's place in the whole model.
struct LinearPlace {
  const LinearSpec* spec = nullptr;
  std::size_t layer = 0;  ///< of the head: the number of layers
  bool is_head = false;
};
/// All linear layers, in the model's order, the head last.
std::vector<LinearPlace> linears_of(const ModelSpec& model);

struct TensorSpec {
  std::string name;
  std::vector<std::int64_t> shape;
};
/// The tensors of a model's files, in Hugging Face's names; without the head when it is tied.
std::vector<TensorSpec> tensors_of(const ModelSpec& model);

/// Whether a tensor is the matrix of a decoder layer's linear layer: what may be quantised.
bool is_layer_matrix(const ModelSpec& model, std::string_view tensor);

/// Twice the pairs of rows that attention over a document of `rows` looks at, as many as rows squared where there is no
/// window; mean over the layers by their width.
std::int64_t attention_pairs(const ModelSpec& model, std::int64_t rows);

}  // namespace pst::families
