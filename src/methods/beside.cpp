// SPDX-License-Identifier: Apache-2.0
#include "methods/beside.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::methods {
namespace {

/// All modules that have values of their own.
std::vector<Saved> modules_of(const Places& places) {
  std::vector<Saved> all;
  if (!places.embedding.empty())
    all.push_back({Saved::Kind::embedding,
                   places.embedding,
                   0,
                   {{.name = "weight", .shape = {places.vocabulary, places.embedding_width}}}});
  for (std::size_t i = 0; i < places.linears.size(); ++i) {
    const LinearLayer& layer = places.linears[i];
    if (layer.is_expert || layer.is_embedding) continue;
    Saved& saved = all.emplace_back(
        Saved{Saved::Kind::linear, layer.name, i, {{.name = "weight", .shape = {layer.out, layer.in}}}});
    if (layer.bias) saved.tensors.push_back({.name = "bias", .shape = {layer.out}});
  }
  for (std::size_t i = 0; i < places.norms.size(); ++i) {
    const NormPlace& norm = places.norms[i];
    Saved& saved =
        all.emplace_back(Saved{Saved::Kind::norm, norm.name, i, {{.name = "weight", .shape = {norm.width}}}});
    if (norm.bias) saved.tensors.push_back({.name = "bias", .shape = {norm.width}});
  }
  return all;
}

}  // namespace

std::vector<Saved> saved_modules(const std::vector<std::string>& names, const Places& places,
                                 const std::vector<Adapted>& adapted) {
  std::vector<Saved> saved;
  if (names.empty()) return saved;
  std::vector<bool> used(names.size());
  for (Saved& module : modules_of(places)) {
    bool is_named = false;
    for (std::size_t i = 0; i < names.size(); ++i)
      if (module.name.ends_with(names[i])) is_named = used[i] = true;
    if (is_named) saved.push_back(std::move(module));
  }
  for (std::size_t i = 0; i < names.size(); ++i)
    if (!used[i])
      throw Error(Fault::usage,
                  cat("adapter.modules_to_save names ", quoted(names[i]),
                      ", and no embedding, linear layer or norm of this model is called so"),
                  "write embed_tokens, lm_head, norm or the end of another one's name; a module that holds several "
                  "cannot be saved as one");
  for (const Saved& module : saved)
    for (const Adapted& of : adapted)
      if (module.kind == Saved::Kind::linear && of.layer == module.place)
        throw Error(Fault::usage, cat("adapter.modules_to_save and adapter.target_modules both name ", module.name),
                    "take it out of one of them");
  return saved;
}

std::vector<TrainedRows> trained_rows(const TokenIndices& indices, const Places& places) {
  std::vector<TrainedRows> all;
  const auto head = std::find_if(places.linears.begin(), places.linears.end(),
                                 [](const LinearLayer& layer) { return layer.is_head; });
  for (const auto& [name, tokens] : indices.by_module) {
    TrainedRows rows;
    if (name.empty() || ends_at_a_dot(places.embedding, name))
      rows = {.module = places.embedding, .ties_head = places.tied_head};
    else if (head != places.linears.end() && ends_at_a_dot(head->name, name) && !places.tied_head)
      rows = {.module = head->name, .is_head = true};
    else
      throw Error(Fault::usage,
                  cat("adapter.trainable_token_indices names ", quoted(name),
                      ", which is neither the embedding nor a head of its own"),
                  cat("write ", split(places.embedding, '.').back()));
    std::vector<std::int64_t> sorted = tokens;
    std::sort(sorted.begin(), sorted.end());
    if (sorted.empty())
      throw Error(Fault::usage, "a list of token indices is empty", "name the ids of the tokens to train");
    if (const auto twice = std::adjacent_find(sorted.begin(), sorted.end()); twice != sorted.end())
      throw Error(Fault::usage, cat("token ", *twice, " is there twice"), "name each token once");
    if (sorted.front() < 0 || sorted.back() >= places.vocabulary)
      throw Error(Fault::usage,
                  cat("token ", sorted.front() < 0 ? sorted.front() : sorted.back(), " is outside the vocabulary of ",
                      places.vocabulary),
                  "take ids of the model's tokenizer");
    rows.tokens = tokens;
    all.push_back(std::move(rows));
  }
  return all;
}

}  // namespace pst::methods
