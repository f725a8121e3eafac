// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "methods/adapter.hpp"
#include "weights/adapter_names.hpp"

namespace pst::methods {

enum class PromptStart { random, text, vocabulary };  ///< PEFT's RANDOM, TEXT, SAMPLE_VOCAB
std::vector<std::pair<const char*, PromptStart>> words_of(PromptStart);

/// The keys of `type: prompt_tuning`. @see Lester et al. 2021, arXiv:2104.08691
struct PromptTuning {
  int num_virtual_tokens = 20;
  PromptStart prompt_tuning_init = PromptStart::random;
  std::optional<std::string> prompt_tuning_init_text;
};

enum class Reparameterization { mlp, lstm };
std::vector<std::pair<const char*, Reparameterization>> words_of(Reparameterization);

/// The keys of `type: p_tuning`. @see Liu et al. 2021, arXiv:2103.10385
struct PTuning {
  int num_virtual_tokens = 20;
  Reparameterization encoder_reparameterization_type = Reparameterization::mlp;
  std::optional<int> encoder_hidden_size;  ///< nothing: the model's
  int encoder_num_layers = 2;
  double encoder_dropout = 0;
};

/// The keys of `type: prefix_tuning`. @see Li and Liang 2021, arXiv:2101.00190
struct PrefixTuning {
  int num_virtual_tokens = 20;
  bool prefix_projection = false;
  std::optional<int> encoder_hidden_size;  ///< nothing: the width of keys
};

constexpr const char* kPromptEmbeddings = "prompt_embeddings";

/// What an encoder is trained with: PEFT leaves these out of its files.
using weights::kEncoderPrefix;

}  // namespace pst::methods
