// SPDX-License-Identifier: Apache-2.0
#include "families/folder.hpp"

#include <algorithm>
#include <set>
#include <vector>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "families/read_model.hpp"
#include "weights/dtype.hpp"
#include "weights/safetensors.hpp"
#include "weights/stored_layout.hpp"

namespace pst::families {
namespace {

using weights::Tensor;
using weights::TensorStore;

/// Tensors that some converters leave in a file and that training does not need: a copy of the tied head, and the
/// rotary frequencies that old transformers versions stored.
bool may_be_left_over(const std::string& name, const ModelSpec& model) {
  return (model.tied_head && name == model.head.name + ".weight") || name.ends_with(".rotary_emb.inv_freq");
}

std::vector<std::string> problems_of(const TensorStore& store, const ModelSpec& model) {
  std::vector<std::string> problems;
  std::set<std::string, std::less<>> known;
  const weights::StoredLayout* const stored = weights::row_of(model.stored).stored;
  for (const auto& spec : tensors_of(model)) {
    const Tensor* tensor = store.find(spec.name);
    bool quantised = false, half = false;
    if (tensor && stored && is_layer_matrix(model, spec.name)) {
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

}  // namespace

void check_model(const fs::path& model_dir) {
  constexpr std::size_t kShown = 10;
  const ModelSpec model = read_model(model_dir);
  const TensorStore store = TensorStore::open(model_dir);
  auto problems = problems_of(store, model);
  if (problems.empty()) return;
  std::string message = cat(model_dir.string(), ": the weights do not fit config.json:");
  for (std::size_t i = 0; i < std::min(kShown, problems.size()); ++i) message += cat("\n  ", problems[i]);
  if (problems.size() > kShown) message += cat("\n  and ", problems.size() - kShown, " more");
  throw Error(Fault::data, message, "take config.json and weights from the same model, and download them completely");
}

}  // namespace pst::families
