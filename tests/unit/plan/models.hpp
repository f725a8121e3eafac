// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "plan/prediction.hpp"

namespace pst::fixture {

/// The shapes of published models, as their config.json says.
inline weights::ModelConfig llama(std::int64_t vocabulary, std::int64_t hidden, std::int64_t inner, std::int64_t layers,
                                  std::int64_t heads, std::int64_t kv_heads, bool tied) {
  weights::ModelConfig config;
  config.model_type = "llama";
  config.vocab_size = vocabulary;
  config.hidden_size = hidden;
  config.intermediate_size = inner;
  config.num_hidden_layers = layers;
  config.num_attention_heads = heads;
  config.num_key_value_heads = kv_heads;
  config.head_dim = hidden / heads;
  config.max_position_embeddings = 8192;
  config.tie_word_embeddings = tied;
  return config;
}
inline weights::ModelConfig smollm2_135m() { return llama(49152, 576, 1536, 30, 9, 3, true); }
inline weights::ModelConfig llama3_8b() { return llama(128256, 4096, 14336, 32, 32, 8, false); }

/// `steps` steps of `rows` full rows, every token a target but the first.
inline plan::Work full_rows(std::int64_t steps, std::int64_t rows, std::uint32_t length) {
  plan::Work work{
      .steps = steps, .rows = steps * rows, .tokens = steps * rows * length, .labelled = steps * rows * (length - 1)};
  const std::vector<plan::RowWork> step(static_cast<std::size_t>(rows), {{length}, length, length - 1});
  work.sample.assign(static_cast<std::size_t>(std::min<std::int64_t>(steps, 4)), step);
  return work;
}

inline plan::Inputs inputs(weights::ModelConfig config, const std::string& machine, std::int64_t steps, int rows,
                           int length) {
  plan::Inputs in{.config = std::move(config), .machine = *plan::published_machine(machine)};
  in.recipe.train.global_batch_size = rows;
  in.recipe.train.micro_batch_size = 1;
  in.recipe.data.max_length = length;
  in.work = full_rows(steps, rows, static_cast<std::uint32_t>(length));
  return in;
}

}  // namespace pst::fixture
