// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/norm.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/parse_yaml.hpp"
#include "config/reader.hpp"
#include "families/read_model.hpp"
#include "methods/expert_stacks.hpp"
#include "methods/peft_config.hpp"
#include "model/decoder.hpp"
#include "nn/batch.hpp"
#include "objective/objective.hpp"
#include "ops/row_by_row.hpp"
#include "ops/torch_exec.hpp"
#include "optim/optimizer.hpp"
#include "peft/adapter.hpp"
#include "source_tree.hpp"
#include "weights/adapter_names.hpp"
#include "weights/safetensors.hpp"

namespace pst::fixture {

using NamedTensors = std::map<std::string, at::Tensor>;

inline NamedTensors tensors_of(const std::filesystem::path& file) {
  const auto store = weights::TensorStore::open(file);
  NamedTensors tensors;
  for (const auto& tensor : store.tensors())
    tensors[tensor.name] =
        ops::tensor_over(const_cast<std::byte*>(tensor.bytes.data()), tensor.shape, tensor.core_dtype()).clone();
  return tensors;
}

/// One recorded folder of tests/fixtures/models, whose README names the
/// tensors: a model alone (`llama`), or with an adapter (`llama/lora`). What of
/// our interfaces the comparison needs is named here and nowhere else.
class ParityCase {
 public:
  static std::filesystem::path root() { return std::filesystem::path(PST_SOURCE_DIR) / "tests/fixtures/models"; }

  /// Every folder that has an expected.safetensors, sorted.
  static std::vector<std::string> all() {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root()))
      if (entry.path().filename() == "expected.safetensors")
        names.push_back(entry.path().parent_path().lexically_relative(root()).string());
    std::sort(names.begin(), names.end());
    return names;
  }

  explicit ParityCase(const std::string& name)
      : folder_(root() / name), documents_(tensors_of(root() / model_of(name) / "documents.safetensors")) {
    const std::filesystem::path model = root() / model_of(name);
    const at::Tensor lengths = documents_.at("lengths");
    const families::ModelSpec spec = families::read_model(model);
    model_ = model::load(spec, families::open_weights(model, spec), at::kFloat,
                         lengths.max().item().toLong() + virtual_rows());
    if (model_of(name) == name) return;
    adapter_ = peft::make_adapter(*model_, methods::read_peft_config(folder_), at::kFloat);
    const NamedTensors expected = this->expected();
    bool has_encoder = false;  // which PEFT's file leaves out: its values are among the expected ones
    for (auto& parameter : adapter_->parameters().all())
      if (const auto value = expected.find(weights::adapter_tensor_name(parameter.name)); value != expected.end()) {
        parameter.value.detach().copy_(value->second);
        has_encoder = true;
      }
    if (!has_encoder) adapter_->load(folder_);
  }

  /// What transformers and PEFT gave.
  NamedTensors expected() const { return tensors_of(folder_ / "expected.safetensors"); }

  /// What they gave with the loss that balances experts; empty: nothing was recorded.
  NamedTensors expected_balance() const {
    const std::filesystem::path file = folder_ / "balance.safetensors";
    return std::filesystem::exists(file) ? tensors_of(file) : NamedTensors{};
  }
  /// The same of ours. @param factor  of that loss in the gradients
  NamedTensors actual_balance(double factor, nn::Recompute recompute) {
    const nn::Batch batch = this->batch();
    const at::Tensor gradient = adapter_->parameters().new_gradient();
    adapter_->parameters().accumulate_into(gradient);
    const auto balance = std::make_shared<nn::Balance>(factor);
    const objective::Scorer scorer(*model_, {.balance = balance}, recompute);
    objective::cross_entropy()->backward(scorer, batch, 1 / static_cast<double>(batch.labelled()));
    NamedTensors tensors = gradients_of(gradient);
    tensors["loss"] = at::full({1}, balance->value(), at::kFloat);
    return tensors;
  }

  /// The same of ours, all documents laid end to end in one batch.
  NamedTensors actual() {
    const nn::Batch batch = this->batch();
    at::Tensor gradient;
    if (adapter_) {
      gradient = adapter_->parameters().new_gradient();
      adapter_->parameters().accumulate_into(gradient);
    }
    const auto objective = objective::cross_entropy();
    const objective::Scorer scorer(*model_, {}, nn::Recompute::nothing);
    NamedTensors tensors{{"logits", logits(scorer.hidden(batch))}};
    const auto labelled = static_cast<double>(batch.labelled());
    const double loss = adapter_ ? objective->backward(scorer, batch, 1 / labelled) : objective->value(scorer, batch);
    tensors["loss"] = at::full({1}, loss / labelled, at::kFloat);
    if (adapter_) tensors.merge(gradients_of(gradient));
    return tensors;
  }

  bool has_experts() const { return !methods::stacks_of(peft::places_of(*model_).linears).empty(); }

  /// Whether five steps of training were recorded.
  static bool has_steps(const std::string& name) {
    return weights::TensorStore::open(root() / name / "expected.safetensors").find("steps.loss") != nullptr;
  }

  /// Trains five steps as they were recorded: `steps.loss` before each and `steps.grad_norm` in it, and what they
  /// added to each tensor, `steps.moved.<tensor>`.
  NamedTensors trained() {
    return train(weights::TensorStore::open(folder_ / "expected.safetensors").metadata().at("optimizer"));
  }
  /// The same of an adapter at its start. @param optimizer  the recipe's section, as JSON
  NamedTensors trained_from_start(const methods::Adapter& recipe, const std::string& optimizer) {
    adapter_ = peft::make_adapter(*model_, recipe, at::kFloat);
    adapter_->initialise(1);
    return train(optimizer);
  }
  /// A section of a recipe: JSON is YAML.
  template <class Section>
  static Section section(const std::string& json) {
    Section read;
    config::Problems problems;
    config::read(config::parse_yaml(json, "recorded", problems), read, problems);
    PST_ASSERT(problems.empty(), "a recorded section is one of a recipe");
    return read;
  }

 private:
  NamedTensors train(const std::string& optimizer_section) {
    auto settings = section<recipe::Optimizer>(optimizer_section);
    settings.no_decay = recipe::NoDecay::nothing;  // torch's optimizer had all tensors in one group
    nn::ParameterSet& parameters = adapter_->parameters();
    optim::Optimizer optimizer(settings, parameters, parallel::FlatShares(parameters, 1), 0);
    const nn::Batch batch = this->batch();
    const auto objective = objective::cross_entropy();
    const auto labelled = static_cast<double>(batch.labelled());
    std::vector<float> losses, norms;
    NamedTensors before;
    for (const auto& parameter : parameters.all()) before[parameter.name] = parameter.value.detach().clone();
    for (std::int64_t step = 1; step <= 5; ++step) {
      const at::Tensor gradient = parameters.new_gradient();
      parameters.accumulate_into(gradient);
      const objective::Scorer scorer(*model_, {}, nn::Recompute::layers);
      losses.push_back(static_cast<float>(objective->backward(scorer, batch, 1 / labelled) / labelled));
      norms.push_back(gradient.norm().item().toFloat());
      optimizer.update(parameters, gradient, {.lr = settings.lr, .number = step});
      if (adapter_->hook()) adapter_->hook()->after_update(step, 5, gradient, 1);  // without its penalty, as recorded
    }
    NamedTensors tensors{{"steps.loss", at::tensor(losses)}, {"steps.grad_norm", at::tensor(norms)}};
    for (const auto& parameter : parameters.all())
      tensors["steps.moved." + weights::adapter_tensor_name(parameter.name)] =
          parameter.value.detach() - before.at(parameter.name);
    return tensors;
  }

 public:
  /// Trains an adapter from its first values, keeps it in `folder`, and gives the loss with it.
  double trained_anew(const methods::Adapter& recipe, int steps, const std::filesystem::path& folder) {
    adapter_ = peft::make_adapter(*model_, recipe, at::kFloat);
    adapter_->initialise(1);
    nn::ParameterSet& parameters = adapter_->parameters();
    parameters.refresh_compute();
    const recipe::Optimizer settings{.lr = 0.02};
    optim::Optimizer optimizer(settings, parameters, parallel::FlatShares(parameters, 1), 0);
    const nn::Batch batch = this->batch();
    const auto objective = objective::cross_entropy();
    const auto labelled = static_cast<double>(batch.labelled());
    const objective::Scorer scorer(*model_, {}, nn::Recompute::nothing);
    for (std::int64_t step = 1; step <= steps; ++step) {
      const at::Tensor gradient = parameters.new_gradient();
      parameters.accumulate_into(gradient);
      objective->backward(scorer, batch, 1 / labelled);
      optimizer.update(parameters, gradient, {.lr = settings.lr, .number = step});
    }
    adapter_->save(folder, folder.filename().string());
    return objective->value(scorer, batch) / labelled;
  }

  /// Logits as generation computes them: half of a document at once, then token after token.
  at::Tensor decoded_logits() const {
    const ops::RowByRow rows_alone;
    at::NoGradGuard no_gradients;
    std::vector<at::Tensor> rows;
    for (const auto& ids : split("ids")) {
      nn::KvPages pages = pages_for(ids.size(0));
      nn::Sequence sequence{.active_from = active_from(ids), .longest = model_->virtual_rows() + ids.size(0)};
      const auto next = [&](std::int64_t begin, std::int64_t end) {
        const std::vector<nn::Continued> parts{{&sequence, end - begin}};
        rows.push_back(model_->continue_sequences(ids.slice(0, begin, end), parts, pages));
      };
      const std::int64_t prompt = ids.size(0) / 2;
      next(0, prompt);
      for (std::int64_t i = prompt; i < ids.size(0); ++i) next(i, i + 1);
    }
    return logits(at::cat(rows));
  }

  /// The same with all documents side by side, a few rows of each at a time.
  at::Tensor decoded_together() const {
    const ops::RowByRow rows_alone;
    at::NoGradGuard no_gradients;
    const std::vector<at::Tensor> documents = split("ids");
    std::int64_t tokens = 0;
    std::vector<nn::Sequence> sequences(documents.size());
    for (std::size_t i = 0; i < documents.size(); ++i) {
      sequences[i].active_from = active_from(documents[i]);
      sequences[i].longest = model_->virtual_rows() + documents[i].size(0);
      tokens += documents[i].size(0) + model_->virtual_rows() + nn::KvPages::tokens();
    }
    nn::KvPages pages = pages_for(tokens);
    std::vector<std::vector<at::Tensor>> rows(documents.size());
    std::vector<std::int64_t> seen(documents.size());
    for (bool more = true; more;) {
      std::vector<nn::Continued> parts;
      std::vector<at::Tensor> ids;
      std::vector<std::size_t> whose;
      for (std::size_t i = documents.size(); i-- > 0;) {  // the last document first
        const std::int64_t count = std::min(static_cast<std::int64_t>(2 + i), documents[i].size(0) - seen[i]);
        if (count == 0) continue;
        parts.push_back({&sequences[i], count});
        ids.push_back(documents[i].narrow(0, seen[i], count));
        whose.push_back(i);
        seen[i] += count;
      }
      more = !parts.empty();
      if (!more) break;
      const at::Tensor hidden = model_->continue_sequences(at::cat(ids), parts, pages);
      std::int64_t begin = 0;
      for (std::size_t p = 0; p < parts.size(); begin += parts[p++].rows)
        rows[whose[p]].push_back(hidden.narrow(0, begin, parts[p].rows));
    }
    std::vector<at::Tensor> all;
    for (const auto& of_document : rows) all.push_back(at::cat(of_document));
    return logits(at::cat(all));
  }

 private:
  /// Of a document whose first half is the prompt.
  std::int64_t active_from(const at::Tensor& ids) const {
    const at::Tensor prompt = ids.slice(0, 0, ids.size(0) / 2).to(at::kInt).contiguous();
    return model_->active_from({prompt.const_data_ptr<std::int32_t>(), static_cast<std::size_t>(prompt.numel())});
  }

  nn::KvPages pages_for(std::int64_t tokens) const {
    return {model_->key_values(), (tokens + model_->virtual_rows()) / nn::KvPages::tokens() + 1, model_->rows_like()};
  }

  /// Of the tensors in the adapter's file.
  NamedTensors gradients_of(const at::Tensor& gradient) const {
    NamedTensors tensors;
    const auto name_of = [](const std::string& name) { return "gradient." + weights::adapter_tensor_name(name); };
    for (const auto& parameter : adapter_->parameters().all())
      tensors[name_of(parameter.name)] = gradient.narrow(0, parameter.offset, parameter.count()).view(parameter.shape);
    for (const peft::Folded& matrix : adapter_->folded()) {
      for (const peft::Folded::Part& part : matrix.parts) tensors.erase(name_of(part.parameter->name));
      tensors[name_of(matrix.name)] = matrix.whole(gradient);
    }
    return tensors;
  }

  std::int64_t virtual_rows() const {
    const bool is_adapter = std::filesystem::exists(folder_ / "adapter_config.json");
    return is_adapter ? methods::virtual_rows(methods::read_peft_config(folder_)) : 0;
  }

  static std::string model_of(const std::string& name) { return name.substr(0, name.find('/')); }

  std::vector<at::Tensor> split(const char* tensor) const {
    std::vector<at::Tensor> parts;
    std::int64_t begin = 0;
    for (std::int64_t i = 0; i < documents_.at("lengths").size(0); ++i) {
      const std::int64_t length = documents_.at("lengths")[i].item().toLong();
      parts.push_back(documents_.at(tensor).narrow(0, begin, length));
      begin += length;
    }
    return parts;
  }

  nn::Batch batch() const {
    std::vector<nn::TokenSpan> spans;
    const at::Tensor ids = documents_.at("ids").to(at::kInt), labelled = documents_.at("labelled");
    std::size_t begin = 0;
    for (const auto& document : split("ids")) {
      const auto length = static_cast<std::size_t>(document.size(0));
      spans.push_back({{ids.const_data_ptr<std::int32_t>() + begin, length},
                       {labelled.const_data_ptr<std::uint8_t>() + begin, length}});
      begin += length;
    }
    return nn::make_batch(spans, model_->vocabulary());
  }

  at::Tensor logits(const at::Tensor& hidden) const {
    const at::NoGradGuard no_gradients;
    return model_->logits(hidden.detach());
  }

  std::filesystem::path folder_;
  NamedTensors documents_;
  std::unique_ptr<nn::CausalLm> model_;
  std::unique_ptr<peft::Adapter> adapter_;
};

}  // namespace pst::fixture
