// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "methods/beside.hpp"
#include "methods/data_starts.hpp"
#include "methods/loftq.hpp"

namespace pst::methods {

/// PEFT's init_lora_weights. With kaiming (`true`) and gaussian B is zero.
enum class LoraInit {
  kaiming,
  gaussian,
  orthogonal,
  pissa,
  pissa_niter_4,
  pissa_niter_16,
  olora,
  loftq,
  mica,
  eva,
  corda,
  lora_ga
};
/// Whether the start takes a part out of the base, and B A begins with it.
bool moves_base(LoraInit init);
inline bool freezes_b(LoraInit init) { return init == LoraInit::mica; }  ///< B stays where it starts
/// Whether the start looks at the training's data.
bool reads_data(LoraInit init);
std::string word_of(LoraInit init);

/// The keys of `type: lora`. @see Hu et al. 2021, arXiv:2106.09685
struct Lora {
  int r = 16;
  double alpha = 32;
  double dropout = 0;
  std::map<std::string, int> rank_pattern;      ///< layer name ending or regular expression -> r
  std::map<std::string, double> alpha_pattern;  ///< the same -> alpha
  bool use_rslora = false;                      ///< scale alpha / sqrt(r)
  LoraInit init_lora_weights = LoraInit::kaiming;
  Loftq loftq_config;
  EvaConfig eva_config;
  CordaConfig corda_config;
  LoraGaConfig lora_ga_config;
  /// Of a start that is found in data, once it is: the file with its values; empty: a checkpoint has them.
  std::optional<std::string> start_values;
  bool lists_every_key = false;  ///< keys too that belong to another value of one before them are visited
  bool use_dora = false;         ///< outputs scaled to learned sizes
  bool lora_bias = false;        ///< B has a trained bias
  TokenIndices trainable_token_indices;
  std::vector<std::int64_t> alora_invocation_tokens;  ///< empty: active everywhere
};
std::vector<std::pair<const char*, LoraInit>> words_of(LoraInit);

constexpr const char* kLoraA = "lora_A.weight";                  ///< [r, in]
constexpr const char* kLoraB = "lora_B.weight";                  ///< [out, r]
constexpr const char* kLoraBias = "lora_B.bias";                 ///< [out]
constexpr const char* kLoraMagnitude = "lora_magnitude_vector";  ///< [out]
constexpr const char* kLoraEmbeddingA = "lora_embedding_A";      ///< [r, vocabulary]
constexpr const char* kLoraEmbeddingB = "lora_embedding_B";      ///< [width, r]
/// Of the module whose rows are trained.
constexpr const char* kTokenRows = "token_adapter.trainable_tokens_delta";

}  // namespace pst::methods
