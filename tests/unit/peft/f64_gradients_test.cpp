// SPDX-License-Identifier: Apache-2.0
// Gradients of every method next to differences, in f64: frozen layers, adapters and sums. Kernels of ours that have
// no f64 are the norms' and dropout's; both are computed by libtorch then (ops/norm.cpp, ops/dropout.cpp). The files of
// tests/fixtures/adapters say which methods; every_method_test.cpp does the same in f32, with our kernels.
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>

#include "families/read_model.hpp"
#include "methods/deft.hpp"
#include "methods/lora.hpp"
#include "methods/method.hpp"
#include "model/decoder.hpp"
#include "peft/adapter.hpp"
#include "support/adapter_cases.hpp"
#include "support/adapter_pass.hpp"
#include "support/temporary_directory.hpp"
#include "support/tensors.hpp"
#include "weights/safetensors.hpp"

namespace pst::peft {
namespace {

class WideEmbedding final : public nn::Embedding {
 public:
  explicit WideEmbedding(at::Tensor matrix_vd) : matrix_vd_(std::move(matrix_vd)) {}
  at::Tensor rows(const at::Tensor& ids) const override { return at::index_select(matrix_vd_, 0, ids); }

 private:
  at::Tensor matrix_vd_;
};

/// A model's places for adapters, its linear layers and its embedding in f64. It keeps what stands before documents.
class WideModel final : public nn::CausalLm {
 public:
  explicit WideModel(std::unique_ptr<nn::CausalLm> of) : of_(std::move(of)) {
    for (const nn::LinearSlot& slot : of_->linears()) {
      std::unique_ptr<nn::Linear>& layer = *slot.linear;
      const at::Tensor bias = layer->apply(at::zeros({1, layer->in_features()}, at::kFloat)).view({-1});
      layer = std::make_unique<nn::DenseLinear>(layer->weight(at::kFloat).to(at::kDouble),
                                                slot.bias ? std::optional(bias.to(at::kDouble)) : std::nullopt);
    }
    const nn::EmbeddingSlot slot = of_->embedding();
    const at::Tensor all = (*slot.embedding)->rows(at::arange(0, slot.vocabulary, at::kLong));
    *slot.embedding = std::make_unique<WideEmbedding>(all.to(at::kDouble));
  }
  at::Tensor forward(const nn::Batch&, const nn::Pass&, nn::Recompute) const override { return {}; }
  at::Tensor continue_sequences(const at::Tensor&, std::span<const nn::Continued>, nn::KvPages&) const override {
    return {};
  }
  std::int64_t virtual_rows() const override { return of_->virtual_rows(); }
  std::int64_t active_from(std::span<const std::int32_t> prompt) const override { return of_->active_from(prompt); }
  std::int64_t kind_of_length(std::int64_t longest) const override { return of_->kind_of_length(longest); }
  bool keeps_states() const override { return of_->keeps_states(); }
  at::TensorOptions rows_like() const override { return of_->rows_like(); }
  at::Tensor logits(const at::Tensor&) const override { return {}; }
  std::vector<nn::LinearSlot> linears() override { return of_->linears(); }
  void make_readable(std::size_t linear) override { of_->make_readable(linear); }
  std::vector<nn::NormSlot> norms() override { return of_->norms(); }
  nn::EmbeddingSlot embedding() override { return of_->embedding(); }
  void make_embedding_readable() override { of_->make_embedding_readable(); }
  std::int64_t hidden() const override { return of_->hidden(); }
  std::vector<std::int64_t> key_values() const override { return of_->key_values(); }
  void set_virtual_tokens(std::unique_ptr<nn::VirtualTokens> given) override { tokens = std::move(given); }
  void set_virtual_keys(std::unique_ptr<nn::VirtualKeys> given) override { keys = std::move(given); }
  void set_invocation(std::vector<std::int64_t> sequence) override { of_->set_invocation(std::move(sequence)); }
  const nn::FrozenStorage& frozen() const override { return of_->frozen(); }
  std::int64_t vocabulary() const override { return of_->vocabulary(); }
  std::int64_t max_positions() const override { return of_->max_positions(); }
  std::int64_t attention_pairs(std::int64_t rows) const override { return of_->attention_pairs(rows); }

  std::unique_ptr<nn::VirtualTokens> tokens;
  std::unique_ptr<nn::VirtualKeys> keys;

 private:
  std::unique_ptr<nn::CausalLm> of_;
};

class F64Gradients : public testing::TestWithParam<fixture::AdapterCase> {
 protected:
  F64Gradients() : dir_(), model_(made(dir_ / "model", GetParam())) {
    adapter_ = make_adapter(model_, GetParam().adapter, at::kDouble);
    adapter_->initialise(1);
    gradient_ = parameters().new_gradient();
    parameters().accumulate_into(gradient_);
    at::NoGradGuard no_gradients;
    std::uint64_t seed = 7;  // away from where a method starts: behind a zero, nothing would be seen
    for (auto& parameter : parameters().all()) parameter.value.add_(fixture::random(parameter.shape, ++seed).mul(0.2));
  }
  static WideModel made(const std::filesystem::path& folder, const fixture::AdapterCase& of) {
    fixture::write_tiny_model(folder, of.model(fixture::awkward_model(2)));
    return WideModel(model::load(families::read_model(folder), weights::TensorStore::open(folder), at::kFloat, 64));
  }
  nn::ParameterSet& parameters() { return adapter_->parameters(); }

  /// What backward takes for a constant though it depends on a trained tensor, as its method says: DoRA's norms
  /// (section 4.3 of its paper), DEFT's basis by QR. Only PEFT's gradients tell these (tests/parity).
  bool has_constant_part(const std::string& name) const {
    const methods::Adapter& adapter = GetParam().adapter;
    if (adapter.method->name == "deft")
      return adapter.as<methods::Deft>().decomposition_method == methods::DeftProjection::qr;
    return adapter.method->name == "lora" && adapter.as<methods::Lora>().use_dora &&
           !name.ends_with(methods::kLoraMagnitude);
  }

  /// Compares the gradients that `run` leaves with differences of it.
  void compare(const std::function<at::Tensor()>& run) {
    gradient_.zero_();
    const at::Tensor y = run();
    if (!y.requires_grad()) return;
    ASSERT_EQ(y.scalar_type(), at::kDouble);
    const at::Tensor w = fixture::random(y.sizes().vec(), 5, at::kDouble);
    y.backward(w);
    at::NoGradGuard no_gradients;
    for (auto& parameter : parameters().all()) {
      const at::Tensor before = parameter.value.detach().clone(), gradient = parameter.value.grad();
      // Along the gradient itself, whose slope is its own size: no direction shows more.
      const double size = gradient.square().sum().sqrt().item().toDouble();
      if (size == 0) continue;  // of another place
      SCOPED_TRACE(parameter.name);
      seen_.insert(parameter.name);
      if (has_constant_part(parameter.name)) continue;
      const auto loss_at = [&](double distance) {
        parameter.value.detach().copy_(before + gradient * (distance / size));
        return run().mul(w).sum().item().toDouble();
      };
      const auto slope = [&](double h) { return (loss_at(h) - loss_at(-h)) / (2 * h); };
      // Richardson's: the error falls with the fourth power of the step. The smaller step is for what has corners.
      const auto found = [&](double h) { return (4 * slope(h / 2) - slope(h)) / 3; };
      const double large = found(1e-3), small = found(1e-5);
      // The sums' own rounding, 1e-16 of some ten, divided by the smaller step. OSF's singular vectors are f32.
      const double bound = GetParam().adapter.method->name == "osf" ? 1e-6 : 1e-8;
      EXPECT_NEAR(std::abs(large - size) < std::abs(small - size) ? large : small, size, bound * size + 1e-9);
      parameter.value.detach().copy_(before);
    }
  }

  fixture::TemporaryDirectory dir_;
  WideModel model_;
  std::unique_ptr<Adapter> adapter_;
  at::Tensor gradient_;
  std::set<std::string> seen_;
};

TEST_P(F64Gradients, AreTheLimitsOfDifferences) {
  ASSERT_EQ(gradient_.scalar_type(), at::kDouble);
  // A pass takes the same features and layers out every time; of several, one at least leaves a layer in.
  for (const std::uint64_t seed : {3, 4, 5}) {
    const nn::Pass pass{.training = true, .random = Rng(seed)};
    for (const auto& slot : model_.linears()) {
      const nn::Linear& layer = **slot.linear;
      const at::Tensor x = fixture::random({7, layer.in_features()}, 9, at::kDouble);
      compare([&] { return layer.forward(x, pass); });
    }
  }
  const auto ids = at::arange(0, 260, at::TensorOptions().dtype(at::kLong));
  compare([&] { return (*model_.embedding().embedding)->rows(ids); });
  for (const auto& slot : model_.norms())
    compare([&] { return ops::norm(fixture::random({7, slot.norm->weight.size(-1)}, 9, at::kDouble), *slot.norm); });
  if (model_.tokens) compare([&] { return model_.tokens->rows(); });
  for (std::size_t layer = 0; model_.keys && layer < 2; ++layer)
    compare([&] {
      const auto [keys, values] = model_.keys->of(layer);
      return at::cat({keys, values});
    });
  for (const auto& parameter : parameters().all()) EXPECT_TRUE(seen_.contains(parameter.name)) << parameter.name;
}

INSTANTIATE_TEST_SUITE_P(Cases, F64Gradients, testing::ValuesIn(fixture::AdapterCase::all()),
                         [](const auto& of) { return of.param.name; });

}  // namespace
}  // namespace pst::peft
