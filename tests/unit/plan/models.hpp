// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/strings.hpp"
#include "families/read_model.hpp"
#include "plan/prediction.hpp"
#include "support/adapters.hpp"

namespace pst::fixture {

/// The shapes of published models, as their config.json says.
inline families::ModelSpec llama(std::int64_t vocabulary, std::int64_t hidden, std::int64_t inner, std::int64_t layers,
                                 std::int64_t heads, std::int64_t kv_heads, bool tied) {
  return families::parse_model(
      cat(R"({"model_type": "llama", "vocab_size": )", vocabulary, R"(, "hidden_size": )", hidden,
          R"(, "intermediate_size": )", inner, R"(, "num_hidden_layers": )", layers, R"(, "num_attention_heads": )",
          heads, R"(, "num_key_value_heads": )", kv_heads, R"(, "max_position_embeddings": 8192)",
          R"(, "tie_word_embeddings": )", tied ? "true" : "false", "}"),
      "config.json");
}
inline families::ModelSpec smollm2_135m() { return llama(49152, 576, 1536, 30, 9, 3, true); }
inline families::ModelSpec llama3_8b() { return llama(128256, 4096, 14336, 32, 32, 8, false); }

/// `steps` steps of `rows` full rows, every token a target but the first.
inline plan::Work full_rows(std::int64_t steps, std::int64_t rows, std::uint32_t length) {
  plan::Work work{
      .steps = steps, .rows = steps * rows, .tokens = steps * rows * length, .labelled = steps * rows * (length - 1)};
  const std::vector<plan::RowWork> step(static_cast<std::size_t>(rows), {{length}, length, length - 1});
  work.sample.assign(static_cast<std::size_t>(std::min<std::int64_t>(steps, 4)), step);
  return work;
}

inline plan::Inputs inputs(families::ModelSpec config, const std::string& machine, std::int64_t steps, int rows,
                           int length) {
  plan::Inputs in{.config = std::move(config), .machine = *plan::published_machine(machine)};
  in.recipe.train.global_batch_size = rows;
  in.recipe.train.micro_batch_size = 1;
  in.recipe.data.max_length = length;
  in.work = full_rows(steps, rows, static_cast<std::uint32_t>(length));
  return in;
}

}  // namespace pst::fixture
