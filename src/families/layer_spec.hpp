// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kernels/activation/activation.hpp"
#include "weights/place.hpp"

/// What decoder layers are made of, as data.
namespace pst::families {

/// Which rows of a decoder layer a linear layer reads.
enum class Reads {
  attention_input,   ///< the stream, mostly behind the first norm
  mixed,             ///< the heads' output, side by side
  mlp_input,         ///< the stream, mostly behind the second norm
  activated,         ///< what the MLP's activation gives
  shared_activated,  ///< the same of the MLP beside a layer's experts
  stream,            ///< the stream behind the MLP
  gated_vector       ///< a token's own vector behind its gate
};
inline constexpr int kReads = 7;

/// A tensor of a model's files.
struct TensorSpec {
  std::string name;
  std::vector<std::int64_t> shape;
};

/// A frozen product y = x W^T + b, as it lies in a model's files: `<name>.weight` [out, in] and `<name>.bias` [out],
/// unless it has another place.
struct LinearSpec {
  std::string name;  ///< Hugging Face's module: model.layers.0.self_attn.q_proj
  std::int64_t out = 0, in = 0;
  bool bias = false;
  Reads reads = Reads::attention_input;
  std::optional<weights::Place> weight_place, bias_place;  ///< of the bias: steps of out
  std::optional<weights::StackPlace> stack;                ///< of an expert's
  std::int64_t values() const { return out * in; }
};

/// RMSNorm, or LayerNorm where `centred`. @see Zhang and Sennrich 2019, arXiv:1910.07467; Ba et al. 2016,
/// arXiv:1607.06450
struct NormSpec {
  std::string name;  ///< of the module; empty: no weight, all ones
  std::int64_t width = 0;
  double eps = 1e-6;
  bool centred = false, bias = false;
  double offset = 0;         ///< added to the stored weight
  double factor = 1;         ///< of the stored weight
  bool bare = false;         ///< `name` is the tensor itself
  std::int64_t weights = 1;  ///< rows of weights, for heads that have their own
  /// Where each of those rows is a module of its own: what follows `name` and a number. Else one tensor has them all.
  bool split = false;
};

/// Rotary positions: pair i of a head's first `dim` values turns by position * frequencies[i].
/// @see Su et al. 2021, arXiv:2104.09864
struct RopeSpec {
  std::string kind = "default";  ///< rope_type
  double theta = 10000;
  std::int64_t dim = 0;
  bool neighbours = false;              ///< values (2i, 2i + 1) are a pair, not (i, i + dim / 2)
  std::vector<float> frequencies;       ///< [dim / 2]
  std::vector<float> far_frequencies;   ///< for documents longer than original_positions; empty: the same
  std::int64_t original_positions = 0;  ///< that the model was first trained with; 0: nothing depends on it
  double factor = 1;                    ///< of all cosines and sines
  double query_growth = 0;  ///< queries also grow by 1 + this * ln(1 + floor(position / original_positions))
  std::string described;    ///< what differs from the default, for people: "llama3 scaling by 8 from ..."
};

/// Softmax attention of query heads that share key/value heads. @see Ainslie et al. 2023, arXiv:2305.13245
struct AttentionSpec {
  std::int64_t query_heads = 0, key_value_heads = 0, head_dim = 0;
  std::optional<std::int64_t> window;  ///< a row sees itself and window - 1 rows before it; absent: all before it
  std::optional<std::size_t> rope;     ///< of ModelSpec::ropes; absent: no rotary positions
  std::optional<double> scale;         ///< factor of q k^T; absent: 1 / sqrt(head_dim)
  double cap = 0;                      ///< scores s become cap tanh(s / cap); 0: as they are
  std::string sinks;                   ///< tensor [query heads] of one more score per head; empty: none
  bool alibi = false;                  ///< scores fall with distance, by head

  /// How q, k and v come out of the first products.
  enum class Fused {
    no,       ///< three products
    stacked,  ///< one: all of q, then k, then v
    by_head   ///< one: q, k, v of the first head, then of the next
  };
  Fused fused = Fused::no;
  std::vector<LinearSpec> inputs;      ///< q, k, v; or the one
  bool gated = false;                  ///< q's rows are, by head, queries and gates of the heads' output
  bool values_are_keys = false;        ///< there is no product for values: they are the keys before their norm
  std::optional<std::size_t> borrows;  ///< layer whose keys and values are read: there is a product for q alone
  bool lends = false;                  ///< another layer reads the keys and values of this one
  std::optional<NormSpec> q_norm, k_norm, v_norm;
  bool norms_turned = false;  ///< these come after the rotation
  LinearSpec o;

  std::int64_t query() const { return query_heads * head_dim; }
  std::int64_t key_value() const { return key_value_heads * head_dim; }
  std::int64_t groups() const { return key_value_heads == 0 ? 0 : query_heads / key_value_heads; }
};

/// down(act(gate x) * up x), or without a gate down(act(up x)). @see Shazeer 2020, arXiv:2002.05202
struct MlpSpec {
  std::int64_t inner = 0;
  kernels::Act act = kernels::Act::silu;
  bool gated = true;
  std::vector<LinearSpec> inputs;  ///< gate, up; up alone; or one whose rows are those of gate, then of up
  LinearSpec down;
  bool fused() const { return gated && inputs.size() == 1; }
};

/// MLPs of which each row takes a few, by a router. @see Shazeer et al. 2017, arXiv:1701.06538
struct MoeSpec {
  std::int64_t chosen = 0, inner = 0;
  LinearSpec router;  ///< [experts, hidden]
  enum class Scores { softmax, sigmoid };
  Scores scores = Scores::softmax;
  bool softmax_of_chosen = false;              ///< weights are the softmax over the chosen logits alone
  bool normalised = false;                     ///< weights of a row are made to sum to one
  double scale = 1;                            ///< of the weights, last
  std::string correction;                      ///< tensor [experts] added to scores for choosing only; empty: none
  std::int64_t groups = 1, groups_chosen = 1;  ///< experts are chosen within the best groups, by their two best scores
  kernels::Act act = kernels::Act::silu;
  double limit = 7;  ///< of Act::clamped
  struct Expert {
    LinearSpec gate, up, down;
  };
  std::vector<Expert> experts;
  std::vector<TensorSpec> stored;  ///< that hold several experts, whose matrices have places in them
  std::optional<MlpSpec> shared;   ///< that every row takes
  /// Where they are there, router and experts read the stream through these, and not what the MLP reads.
  std::optional<NormSpec> router_norm, experts_norm;
  std::optional<NormSpec> experts_out_norm, shared_out_norm;  ///< before both are added
  std::string expert_scales;                                  ///< tensor [experts] that weights end with; empty: none
  std::optional<LinearSpec> shared_gate;                      ///< [1, hidden]: its output counts by the sigmoid of this
};

/// A gated delta rule in the place of attention: a state per head that each row decays and corrects.
/// @see Yang et al. 2024, arXiv:2412.06464
struct DeltaSpec {
  std::int64_t key_heads = 0, value_heads = 0, key_dim = 0, value_dim = 0, taps = 4;
  bool by_key_head = false;           ///< rows of the first products are by key head: q, k, values, gates; and b, a
  std::vector<LinearSpec> inputs;     ///< q k v, z, b, a; or, by key head, q k v z and b a
  std::string taps_name;              ///< tensor [q, k and v side by side, 1, taps]
  std::string decay_log, decay_bias;  ///< tensors [value heads]
  NormSpec norm;                      ///< of each head's output, before its gate
  LinearSpec out;
  std::int64_t keys() const { return key_heads * key_dim; }
  std::int64_t values() const { return value_heads * value_dim; }
  std::int64_t mixed() const { return 2 * keys() + values(); }
};

/// What a layer adds of a token's own vector (TokenVectors): x + norm(projection(act(gate x) * vector)).
struct TokenGateSpec {
  LinearSpec gate, projection;
  NormSpec norm;
};

/// A decoder layer: x + attention(norm(x)), then the same with the MLP.
struct LayerSpec {
  std::optional<NormSpec> attention_norm, mlp_norm;          ///< of what attention and the MLP read
  std::optional<NormSpec> attention_out_norm, mlp_out_norm;  ///< of what they give
  bool parallel = false;      ///< x + attention(norm(x)) + mlp(norm(x)); without mlp_norm both read the same rows
  bool norms_sum = false;     ///< the out norms are of the stream after the addition
  double residual_scale = 1;  ///< of what is added
  std::string scalar;         ///< tensor [1] that the stream is multiplied with behind the layer; empty: none
  std::optional<TokenGateSpec> token_gate;  ///< behind the MLP
  AttentionSpec attention;                  ///< without heads where there is a delta rule
  std::optional<DeltaSpec> delta;
  MlpSpec mlp;  ///< without inputs where there are experts
  std::optional<MoeSpec> moe;
};

/// What becomes of the head's output: cap tanh(scale x / cap), or scale x where cap is 0.
struct LogitSpec {
  double scale = 1, cap = 0;
  bool changes() const { return scale != 1 || cap != 0; }
};

}  // namespace pst::families
