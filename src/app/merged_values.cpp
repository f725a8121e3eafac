// SPDX-License-Identifier: Apache-2.0
#include "app/merged_values.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <map>

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::app {
namespace {

using adapters::MergedValues;

std::vector<float> floats(const at::Tensor& values) {
  const at::Tensor here = values.detach().to(at::kFloat).cpu().contiguous();
  const float* const first = here.const_data_ptr<float>();
  return {first, first + here.numel()};
}

at::Tensor matrix_of(nn::CausalLm& model, std::size_t linear) {
  model.make_readable(linear);
  return (*model.linears()[linear].linear)->weight(at::kFloat);
}

/// What a layer adds to its product.
at::Tensor bias_of(const nn::Linear& linear) {
  return linear.apply(at::zeros({1, linear.in_features()}, at::kFloat)).view({-1});
}

at::Tensor rows_of(nn::CausalLm& model) {
  constexpr std::int64_t kRowsAtOnce = 4096;
  model.make_embedding_readable();
  const nn::EmbeddingSlot slot = model.embedding();
  std::vector<at::Tensor> rows;
  for (std::int64_t from = 0; from < slot.vocabulary; from += kRowsAtOnce)
    rows.push_back((*slot.embedding)->rows(at::arange(from, std::min(slot.vocabulary, from + kRowsAtOnce), at::kLong)));
  return at::cat(rows);
}

void add_linear(std::vector<MergedValues>& all, nn::CausalLm& model, std::size_t index,
                const families::LinearSpec& spec, nn::CausalLm* base) {
  MergedValues& matrix = all.emplace_back(adapters::whole(spec.name + ".weight", spec.out, spec.in));
  if (spec.weight_place) matrix.place = *spec.weight_place;
  matrix.merged = [&model, index] {
    const at::NoGradGuard no_gradients;
    return floats(matrix_of(model, index));
  };
  if (base)
    matrix.base = [base, index] {
      const at::NoGradGuard no_gradients;
      return floats(matrix_of(*base, index));
    };
}

void add_bias(std::vector<MergedValues>& all, const nn::Linear& linear, const families::LinearSpec& spec) {
  const at::Tensor bias = bias_of(linear);
  if (!spec.bias) {
    if (bias.abs().max().item().toDouble() == 0) return;
    throw Error(Fault::usage,
                cat("the adapter gives ", spec.name, " a bias, and the model's files have no place for one"),
                "use the adapter beside the model");
  }
  MergedValues& values = all.emplace_back(adapters::whole(spec.name + ".bias", spec.out, 1));
  if (spec.bias_place) values.place = *spec.bias_place;
  values.merged = [bias] { return floats(bias); };
}

void add_norms(std::vector<MergedValues>& all, nn::CausalLm& model) {
  for (const nn::NormSlot& slot : model.norms()) {
    if (!slot.norm->trained) continue;
    const ops::NormValues trained = slot.norm->trained();
    const std::int64_t width = trained.weight.numel();
    all.push_back(adapters::whole(slot.name + ".weight", width, 1));
    all.back().merged = [weight = slot.offset != 0 ? trained.weight - slot.offset : trained.weight] {
      return floats(weight);
    };
    if (!trained.bias.defined()) continue;
    all.push_back(adapters::whole(slot.name + ".bias", width, 1));
    all.back().merged = [bias = trained.bias] { return floats(bias); };
  }
}

MergedValues table(const std::string& name, const at::Tensor& values_vd) {
  MergedValues all = adapters::whole(name, values_vd.size(0), values_vd.size(1));
  all.merged = [values_vd] { return floats(values_vd); };
  return all;
}

}  // namespace

Unadapted::Unadapted(nn::CausalLm& model) : embedding_(model.embedding().embedding->get()) {
  for (const nn::LinearSlot& slot : model.linears()) linears_.push_back(slot.linear->get());
}

Unadapted::Changes Unadapted::changes(nn::CausalLm& model, const families::ModelSpec& spec, nn::CausalLm* base) const {
  const at::NoGradGuard no_gradients;
  Changes changes;
  std::map<std::string, const families::LinearSpec*> specs;
  for (const auto& place : families::linears_of(spec)) specs[place.spec->name] = place.spec;
  const std::vector<nn::LinearSlot> slots = model.linears();
  std::size_t head = slots.size();
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const families::LinearSpec& of = *specs.at(slots[i].name);
    const nn::Linear& linear = **slots[i].linear;
    const bool adapted = &linear != linears_[i];
    if (adapted) add_bias(changes.values, linear, of);
    if (slots[i].is_output_head) head = i;
    if (slots[i].is_output_head && spec.tied_head) continue;
    if (adapted || (base && !slots[i].is_output_head)) add_linear(changes.values, model, i, of, base);
  }
  add_norms(changes.values, model);

  const bool embedding_changes = model.embedding().embedding->get() != embedding_;
  const bool head_changes = slots.at(head).linear->get() != linears_[head];
  const std::string embedding = spec.embedding + ".weight";
  if (!embedding_changes && !(spec.tied_head && head_changes)) return changes;
  const at::Tensor rows_vd = rows_of(model);
  if (embedding_changes) changes.values.push_back(table(embedding, rows_vd));
  if (!spec.tied_head) return changes;
  const at::Tensor head_vd = matrix_of(model, head).clone();
  if (!at::equal(rows_vd, head_vd)) changes.own_head = table(spec.head.name + ".weight", head_vd);
  return changes;
}

}  // namespace pst::app
