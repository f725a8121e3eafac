// SPDX-License-Identifier: Apache-2.0
// Learned rows before the embedded tokens of every document; by themselves, or made by a network.
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "methods/prompts.hpp"
#include "nn/in_use.hpp"
#include "peft/adapter.hpp"
#include "peft/encoder.hpp"
#include "peft/fill.hpp"

// Shape letters: p virtual tokens, d width of the embedding, h inside the network.
namespace pst::peft {
namespace {

/// Rows that a function gives.
class Rows final : public nn::VirtualTokens {
 public:
  Rows(std::int64_t count, std::function<at::Tensor()> rows) : count_(count), rows_(std::move(rows)) {}
  std::int64_t count() const override { return count_; }
  at::Tensor rows() const override { return rows_(); }

 private:
  std::int64_t count_;
  std::function<at::Tensor()> rows_;
};

/// The embedding of `ids`, repeated or cut to the rows there are.
void fill_with_tokens(nn::CausalLm& model, const std::vector<std::int64_t>& ids, const at::Tensor& rows_pd) {
  std::vector<std::int64_t> all;
  for (std::int64_t i = 0; i < rows_pd.size(0); ++i) all.push_back(ids[static_cast<std::size_t>(i) % ids.size()]);
  model.make_embedding_readable();
  rows_pd.copy_((*model.embedding().embedding)->rows(at::tensor(all, at::kLong).to(rows_pd.device())));
}

/// @see Lester et al. 2021, arXiv:2104.08691, section 2
class PromptTuningAdapter final : public Adapter {
 public:
  PromptTuningAdapter(nn::CausalLm& model, const methods::Adapter& recipe, at::ScalarType compute, at::Device device)
      : Adapter(recipe), model_(model) {
    for (const methods::AdapterTensor& tensor : recipe.method->beside(recipe, places_of(model)))
      rows_ = &parameters_.add(tensor.name, tensor.shape);
    allocate(model, compute, device);
    model.set_virtual_tokens(std::make_unique<Rows>(rows_->shape[0], [this] { return nn::in_use(*rows_); }));
  }

 private:
  void start(const Rng& of_run) override {
    using methods::PromptStart;
    const auto& keys = recipe_.as<methods::PromptTuning>();
    const Rng rng = of_run.child(methods::kPromptEmbeddings);
    std::vector<std::int64_t> ids = recipe_.start_tokens;
    switch (keys.prompt_tuning_init) {
      case PromptStart::random: return fill_normal(rows_->value, 1, rng);
      case PromptStart::text: PST_ASSERT(!ids.empty(), "who starts an adapter from a text tokenises it"); break;
      case PromptStart::vocabulary:
        ids.clear();
        for (std::int64_t i = 0; i < rows_->shape[0]; ++i)
          ids.push_back(static_cast<std::int64_t>(
              rng.below(static_cast<std::uint64_t>(model_.vocabulary()), static_cast<std::uint64_t>(i))));
        break;
    }
    fill_with_tokens(model_, ids, rows_->value.detach());
  }

  nn::CausalLm& model_;
  nn::Parameter* rows_ = nullptr;
};

/// @see Liu et al. 2021, arXiv:2103.10385, section 3.2
class PTuningAdapter final : public Adapter {
 public:
  PTuningAdapter(nn::CausalLm& model, const methods::Adapter& recipe, at::ScalarType compute, at::Device device)
      : Adapter(recipe), keys_(recipe.as<methods::PTuning>()), encoder_(compute) {
    encoder_.declare(recipe.method->beside(recipe, places_of(model)), parameters_, unsaved_, device);
    frozen_.push_back({methods::kPromptEmbeddings, encoder_.made()});
    allocate(model, compute, device);
    model.set_virtual_tokens(std::make_unique<Rows>(keys_.num_virtual_tokens,
                                                    [this] { return encoder_.values([this] { return rows(); }); }));
  }

 private:
  void start(const Rng& rng) override { encoder_.start(rng); }
  void before_save() const override {
    encoder_.make([this] { return rows(); });
  }
  void loaded() override { encoder_.use_made(); }

  at::Tensor rows() const {
    at::Tensor x_pd = encoder_.of("embedding.weight");
    if (keys_.encoder_reparameterization_type == methods::Reparameterization::lstm) x_pd = through_lstm(x_pd);
    at::Tensor h_ph = at::relu(encoder_.linear("mlp_head.0", x_pd));
    if (keys_.encoder_reparameterization_type == methods::Reparameterization::mlp)
      return encoder_.linear("mlp_head.4", at::relu(encoder_.linear("mlp_head.2", h_ph)));
    return encoder_.linear("mlp_head.2", h_ph);
  }
  /// Both ways side by side, layer upon layer. @see Hochreiter and Schmidhuber 1997; gates in PyTorch's order i, f, g,
  /// o
  at::Tensor through_lstm(at::Tensor x_pd) const {
    for (int layer = 0; layer < keys_.encoder_num_layers; ++layer)
      x_pd = at::cat({one_way(x_pd, cat("_l", layer), false), one_way(x_pd, cat("_l", layer, "_reverse"), true)}, 1);
    return x_pd;
  }
  at::Tensor one_way(const at::Tensor& x_pd, const std::string& end, bool backwards) const {
    const at::Tensor inputs =
        at::linear(x_pd, encoder_.of("lstm_head.weight_ih" + end), encoder_.of("lstm_head.bias_ih" + end));
    const at::Tensor weight = encoder_.of("lstm_head.weight_hh" + end), bias = encoder_.of("lstm_head.bias_hh" + end);
    at::Tensor h_1h = at::zeros({1, weight.size(1)}, x_pd.options().requires_grad(false)), c_1h = h_1h;
    std::vector<at::Tensor> outputs(static_cast<std::size_t>(x_pd.size(0)));
    for (std::int64_t i = 0; i < x_pd.size(0); ++i) {
      const std::int64_t row = backwards ? x_pd.size(0) - 1 - i : i;
      const auto gates = (inputs.narrow(0, row, 1) + at::linear(h_1h, weight, bias)).chunk(4, 1);
      c_1h = at::sigmoid(gates[1]) * c_1h + at::sigmoid(gates[0]) * at::tanh(gates[2]);
      h_1h = at::sigmoid(gates[3]) * at::tanh(c_1h);
      outputs[static_cast<std::size_t>(row)] = h_1h;
    }
    return at::cat(outputs);
  }

  methods::PTuning keys_;
  Encoder encoder_;
};

}  // namespace

std::unique_ptr<Adapter> make_prompt_tuning(nn::CausalLm& model, const methods::Adapter& recipe, at::ScalarType compute,
                                            at::Device device) {
  return std::make_unique<PromptTuningAdapter>(model, recipe, compute, device);
}
std::unique_ptr<Adapter> make_p_tuning(nn::CausalLm& model, const methods::Adapter& recipe, at::ScalarType compute,
                                       at::Device device) {
  return std::make_unique<PTuningAdapter>(model, recipe, compute, device);
}

}  // namespace pst::peft
