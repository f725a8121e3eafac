// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "families/layer_spec.hpp"
#include "weights/number_format.hpp"

namespace pst::families {

/// Learned vectors of positions, added to the embedding: row `first` + position.
struct PositionTable {
  std::string name;  ///< of the module
  std::int64_t rows = 0, first = 0;
};

/// Vectors of each token, one for each layer: (norm(projection(embedding) / sqrt(hidden)) + sqrt(width) row) / sqrt(2).
struct TokenVectors {
  std::string name;  ///< of the module of the table [rows, layers * width]
  std::int64_t rows = 0, width = 0;
  LinearSpec projection;
  NormSpec norm;
};

/// The loss that balances experts, of families that transformers has it for.
struct BalanceSpec {
  double factor = 0;   ///< router_aux_loss_coef
  bool asked = false;  ///< output_router_logits
};

/// What a model is made of, in the order in which it computes. Everything that has to know this reads it here: loading,
/// adapters' targets, the plan's memory and time, reports' FLOPs, import, quantisation, inspection.
struct ModelSpec {
  std::string model_type;  ///< of config.json
  std::int64_t vocabulary = 0, hidden = 0;
  std::int64_t table_width() const { return project_in ? project_in->in : hidden; }  ///< of embedding and head
  std::int64_t positions = 0;                                                        ///< longest document
  std::string embedding;                              ///< module of the table [vocabulary, hidden]
  double embedding_scale = 1;                         ///< factor of its rows
  std::optional<LinearSpec> project_in, project_out;  ///< where the table's and the head's rows are narrower
  std::optional<PositionTable> position_table;
  std::optional<NormSpec> embedding_norm;
  std::optional<TokenVectors> token_vectors;
  std::vector<RopeSpec> ropes;  ///< that layers take theirs from
  std::vector<LayerSpec> layers;
  std::optional<NormSpec> final_norm;
  LinearSpec head;         ///< hidden -> vocabulary
  bool tied_head = false;  ///< its matrix is the embedding
  LogitSpec logits;
  std::optional<BalanceSpec> balance;

  std::vector<std::int32_t> eos_token_ids;  ///< from generation_config.json when that names them, else config.json
  std::optional<std::int32_t> bos_token_id;
  std::optional<std::int32_t> pad_token_id;  ///< only when it is an id of the vocabulary: some configs say -1
  /// From quantization_config; single matrices may be dense all the same.
  weights::NumberFormat stored = weights::NumberFormat::none;
  /// Beginnings of names in the files that are no part of the language model: an image tower's, say.
  std::vector<std::string> left_aside;
  /// Beginnings of names as some files have them, and as they are here.
  std::vector<std::pair<std::string, std::string>> renamed;
};

/// The linear layers of a decoder layer, in the model's order: what adapters may wrap.
std::vector<const LinearSpec*> linears_of(const LayerSpec& layer);
/// All matrices of a decoder layer that products take: its linear layers, then those of its experts.
std::vector<const LinearSpec*> matrices_of(const LayerSpec& layer);

/// A linear layer's place in the whole model.
struct LinearPlace {
  const LinearSpec* spec = nullptr;
  std::size_t layer = 0;  ///< of the head: the number of layers
  bool is_head = false, is_expert = false;
};
/// All linear layers and experts' matrices, in the order of matrices_of(), the head last.
std::vector<LinearPlace> linears_of(const ModelSpec& model);

/// The norms that have one row of stored values, in the model's order: what adapters may train.
std::vector<const NormSpec*> stored_norms(const ModelSpec& model);

/// The tensors of a model's files, in Hugging Face's names; without the head when it is tied.
std::vector<TensorSpec> tensors_of(const ModelSpec& model);

/// How many values they have. A byte of packed codes is no value: the matrices that it holds are counted.
std::int64_t value_count(const ModelSpec& model);

/// How many values of them are norms' weights and biases.
std::int64_t norm_values(const ModelSpec& model);

/// The tensors that are the matrix of a decoder layer's linear layer, or of one of its experts: what may be quantised.
std::set<std::string, std::less<>> layer_matrices(const ModelSpec& model);

/// Twice the pairs of rows that attention over a document of `rows` looks at, as many as rows squared where there is no
/// window; mean over the layers by their width.
std::int64_t attention_pairs(const ModelSpec& model, std::int64_t rows);

}  // namespace pst::families
