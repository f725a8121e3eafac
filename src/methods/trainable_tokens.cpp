// SPDX-License-Identifier: Apache-2.0
#include "methods/trainable_tokens.hpp"

#include "config/fields.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "methods/method.hpp"

namespace pst::methods {
namespace {

void bind_section(config::Fields& field, Adapter& adapter) {
  TrainableTokens& s = adapter.as<TrainableTokens>();
  field("token_indices", &s.token_indices, config::at_least(0), "Ids of the tokens whose rows are trained.");
  field("target_modules", &s.target_modules,
        "The matrix whose rows they are, by the end of its name; empty: the "
        "embedding. A head that is the embedding follows it.");
}

std::vector<AdapterTensor> tensors(const Adapter& adapter, const Places& places) {
  const TrainedRows rows = trained_rows(adapter, places);
  const std::vector<std::int64_t> shape{std::ssize(rows.tokens), places.embedding_width};
  std::vector<AdapterTensor> all{{.name = rows.module + ".trainable_tokens_delta", .shape = shape}};
  if (rows.ties_head)  // PEFT writes the same rows once more
    for (const LinearLayer& layer : places.linears)
      if (layer.is_head)
        all.push_back({.name = layer.name + ".trainable_tokens_delta", .shape = shape, .trained = false});
  return all;
}

}  // namespace

TrainedRows trained_rows(const Adapter& adapter, const Places& places) {
  const TrainableTokens& s = adapter.as<TrainableTokens>();
  if (s.token_indices.empty())
    throw Error(Fault::usage, "adapter.token_indices is empty: nothing would be trained",
                "write the ids of the tokens to train; `peft-studio model tokenize DIR` shows them");
  return trained_rows(TokenIndices{{{s.target_modules, s.token_indices}}}, places).front();
}

extern const Method kTrainableTokens;
const Method kTrainableTokens{.name = "trainable_tokens",
                              .help = "The rows of some tokens in the embedding.",
                              .defaults = [](Adapter& s) { s.own = TrainableTokens{}; },
                              .bind = &bind_section,
                              .beside = &tensors,
                              .fixed = R"({"init_weights": true})"};

}  // namespace pst::methods
