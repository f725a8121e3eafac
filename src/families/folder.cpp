// SPDX-License-Identifier: Apache-2.0
#include "families/folder.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <vector>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "families/read_model.hpp"
#include "weights/dtype.hpp"
#include "weights/finite.hpp"
#include "weights/safetensors.hpp"
#include "weights/stored_layout.hpp"

namespace pst::families {
namespace {

using weights::Tensor;
using weights::TensorStore;

std::string head_matrix(const ModelSpec& model) { return model.head.name + ".weight"; }
std::string embedding_table(const ModelSpec& model) { return model.embedding + ".weight"; }

/// Tensors that some converters leave in a file and that training does not need: a copy of the tied head, and the
/// rotary frequencies that old transformers versions stored.
bool may_be_left_over(const std::string& name, const ModelSpec& model) {
  const auto& aside = model.left_aside;
  return (model.tied_head && name == head_matrix(model)) || name.ends_with(".rotary_emb.inv_freq") ||
         std::any_of(aside.begin(), aside.end(), [&](const std::string& part) { return name.starts_with(part); });
}

/// A tied head that is no copy: transformers 5 uses it, earlier versions and servers do not.
std::optional<std::string> problem_of_tied_head(const TensorStore& store, const ModelSpec& model) {
  const Tensor* const head = model.tied_head ? store.find(head_matrix(model)) : nullptr;
  const Tensor* const embedding = store.find(embedding_table(model));
  if (!head || !embedding) return std::nullopt;
  if (head->dtype == embedding->dtype && head->shape == embedding->shape &&
      std::equal(head->bytes.begin(), head->bytes.end(), embedding->bytes.begin(), embedding->bytes.end()))
    return std::nullopt;
  return cat("config.json ties the output head to the embedding, and the file has another ", head->name,
             ": write \"tie_word_embeddings\": false to use it, or take it out of the file");
}

/// What stands before the embedding's last name in the file, when that is not what it is in a model of this family:
/// then no name fits, and one reason says more than a list.
std::optional<std::string> other_prefix(const TensorStore& store, const ModelSpec& model) {
  const std::string table = embedding_table(model), last = split(model.embedding, '.').back() + ".weight";
  if (store.find(table)) return std::nullopt;
  for (const Tensor& tensor : store.tensors())
    if (tensor.name == last || tensor.name.ends_with("." + last))
      return tensor.name.substr(0, tensor.name.size() - last.size());
  return std::nullopt;
}

[[noreturn]] void refuse_prefix(const fs::path& model_dir, const std::string& found, const std::string& expected) {
  const bool is_bare = found.empty(), is_wrapped = found.starts_with("base_model.");
  throw Error(Fault::data,
              cat(model_dir.string(), ": its tensors' names begin ",
                  is_bare ? std::string("without a prefix") : cat("with ", quoted(found)),
                  ", those of this model type with ", quoted(expected)),
              is_bare ? "it was saved without its output head: load it with transformers' AutoModelForCausalLM, and "
                        "save that with save_pretrained(DIR)"
              : is_wrapped ? "it was saved with an adapter around it: save what PEFT's merge_and_unload() returns"
                           : "save the language model alone, with save_pretrained(DIR)");
}

std::vector<std::string> problems_of(const TensorStore& store, const ModelSpec& model) {
  std::vector<std::string> problems;
  std::set<std::string, std::less<>> known;
  const weights::StoredLayout* const stored = weights::row_of(model.stored).stored;
  const auto matrices = stored ? layer_matrices(model) : std::set<std::string, std::less<>>();
  if (const auto problem = problem_of_tied_head(store, model)) problems.push_back(*problem);
  for (const auto& spec : tensors_of(model)) {
    const Tensor* tensor = store.find(spec.name);
    bool quantised = false, half = false;
    if (tensor && stored && matrices.contains(spec.name)) {
      try {
        quantised = stored->holds(store, spec.name, spec.shape[0], spec.shape[1]);
      } catch (const Error& error) {
        problems.push_back(error.message());
        half = true;
      }
    }
    if (quantised || half) {
      for (auto& name : stored->companions(spec.name)) known.insert(std::move(name));
    } else if (!tensor)
      problems.push_back(cat("tensor ", spec.name, " ", weights::shape_text(spec.shape), " is missing"));
    else if (tensor->shape != spec.shape)
      problems.push_back(cat("tensor ", spec.name, " is ", weights::shape_text(tensor->shape),
                             ", but config.json makes it ", weights::shape_text(spec.shape)));
    else if (!weights::is_floating(tensor->dtype))
      problems.push_back(cat("tensor ", spec.name, " has dtype ", tensor->dtype, "; needed is BF16, F16, F32 or F64"));
    known.insert(spec.name);
  }
  for (const auto& tensor : store.tensors())
    if (known.find(tensor.name) == known.end() && !may_be_left_over(tensor.name, model))
      problems.push_back(cat("tensor ", quoted(tensor.name), " does not belong to a model of this config.json"));
  return problems;
}

void require_finite(const TensorStore& store, const fs::path& model_dir) {
  for (const auto& tensor : store.tensors()) {
    if (const auto bad = weights::first_not_finite(tensor))
      throw Error(Fault::data,
                  cat(model_dir.string(), ": value ", *bad, " of tensor ", tensor.name,
                      " is not a finite number: neither would be any loss"),
                  "download the model again; if its source has it too, take another version of the model");
    let_go(tensor.bytes);  // a model may be larger than the memory that one may use here
  }
}

}  // namespace

void check_model(const fs::path& model_dir) {
  constexpr std::size_t kShown = 10;
  const ModelSpec model = read_model(model_dir);
  const TensorStore store = open_weights(model_dir, model);
  if (const auto found = other_prefix(store, model))
    refuse_prefix(model_dir, *found, model.embedding.substr(0, model.embedding.rfind('.') + 1));
  auto problems = problems_of(store, model);
  if (problems.empty()) return require_finite(store, model_dir);
  std::string message = cat(model_dir.string(), ": the weights do not fit config.json:");
  for (std::size_t i = 0; i < std::min(kShown, problems.size()); ++i) message += cat("\n  ", problems[i]);
  if (problems.size() > kShown) message += cat("\n  and ", problems.size() - kShown, " more");
  throw Error(Fault::data, message, "take config.json and weights from the same model, and download them completely");
}

}  // namespace pst::families
