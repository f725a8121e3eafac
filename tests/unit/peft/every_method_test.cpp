// SPDX-License-Identifier: Apache-2.0
// What holds of every method: the files of tests/fixtures/adapters say which.
#include <ATen/ops/arange.h>
#include <ATen/ops/matmul.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>

#include "families/read_model.hpp"
#include "methods/deft.hpp"
#include "methods/lora.hpp"
#include "methods/method.hpp"
#include "methods/peft_config.hpp"
#include "methods/pvera.hpp"
#include "methods/start.hpp"
#include "model/decoder.hpp"
#include "peft/adapter.hpp"
#include "support/adapter_cases.hpp"
#include "support/adapter_pass.hpp"
#include "support/errors.hpp"
#include "support/temporary_directory.hpp"
#include "support/tensors.hpp"
#include "weights/safetensors.hpp"

namespace pst::peft {
namespace {

/// A model of awkward sizes with biases, and a case's adapter in it.
struct Adapted {
  methods::Adapter recipe;
  std::unique_ptr<nn::CausalLm> model;
  methods::Places places;
  std::unique_ptr<Adapter> adapter;
  at::Tensor gradient;
  nn::Batch batch = nn::make_batch(fixture::Tokens({9, 20}, 260, 1).spans(), 320);

  Adapted(const std::filesystem::path& folder, const methods::Adapter& of, at::ScalarType dtype = at::kFloat)
      : recipe(of),
        model(model::load(families::read_model(folder), weights::TensorStore::open(folder), dtype, 64)),
        places(places_of(*model)),
        adapter(make_adapter(*model, recipe, dtype)) {}

  void start(std::uint64_t seed = 1) {
    adapter->initialise(seed);
    gradient = parameters().new_gradient();
    parameters().accumulate_into(gradient);
  }
  /// Away from where a method starts: behind a zero, nothing would be seen.
  void move() {
    at::NoGradGuard no_gradients;
    std::uint64_t seed = 7;
    for (auto& parameter : parameters().all()) parameter.value.add_(fixture::random(parameter.shape, ++seed).mul(0.2));
    parameters().refresh_compute();
  }
  nn::ParameterSet& parameters() { return adapter->parameters(); }
  at::Tensor hidden() const { return model->forward(batch, {}, nn::Recompute::nothing); }
  static at::Tensor weights() { return fixture::random({29, 36}, 3); }
};

class EveryMethod : public testing::TestWithParam<fixture::AdapterCase> {
 protected:
  EveryMethod() { fixture::write_tiny_model(dir_ / "model", GetParam().model(fixture::awkward_model(2))); }
  Adapted adapted(at::ScalarType dtype = at::kFloat) const { return {dir_ / "model", GetParam().adapter, dtype}; }

  fixture::TemporaryDirectory dir_;
};

TEST_P(EveryMethod, StartsEqualToItsBaseAndFromItsSeedAlone) {
  const auto base =
      model::load(families::read_model(dir_ / "model"), weights::TensorStore::open(dir_ / "model"), at::kFloat, 64);
  Adapted of = adapted(), again = adapted();
  of.start(), again.start();

  const at::Tensor expected = base->forward(of.batch, {}, nn::Recompute::nothing).detach();
  const methods::Adapter& recipe = GetParam().adapter;
  if (recipe.method->starts_at_base == nullptr || recipe.method->starts_at_base(recipe)) {
    EXPECT_THAT(of.hidden().detach(), fixture::close_to(expected, 2e-6 * expected.abs().max().item().toDouble()));
  }
  EXPECT_THAT(again.parameters().flat(), fixture::bitwise_equal(of.parameters().flat()));
}

bool takes_from_base(const methods::Adapter& adapter) {
  return adapter.method->name == "lora" && methods::moves_base(adapter.as<methods::Lora>().init_lora_weights);
}

bool has_fixed_start(const methods::Adapter& adapter) {
  return adapter.method->name == "lora" && methods::freezes_b(adapter.as<methods::Lora>().init_lora_weights);
}

/// A method that draws outside of training too: a weight has the means.
bool draws_always(const methods::Adapter& adapter) {
  return adapter.method->name == "pvera" && adapter.as<methods::Pvera>().sample_at_inference;
}

/// What a method takes for a constant in backward though it depends on trained values: only PEFT's gradients tell
/// these. DEFT's basis by QR is one.
bool has_constant_basis(const methods::Adapter& adapter) {
  return adapter.method->name == "deft" &&
         adapter.as<methods::Deft>().decomposition_method == methods::DeftProjection::qr;
}

bool has_constant_norm(Adapted& of) {
  const auto& parameters = of.parameters().all();
  return std::any_of(parameters.begin(), parameters.end(),
                     [](const auto& parameter) { return parameter.name.ends_with(methods::kLoraMagnitude); });
}

/// Compares the gradients that `run` leaves with differences of it; adds what got one to `seen`.
void compare_gradients(Adapted& of, std::set<std::string>& seen, const std::function<at::Tensor()>& run,
                       double step = 0.05, double tolerance = 1e-3) {
  of.gradient.zero_();
  const at::Tensor y = run();
  if (!y.requires_grad()) return;
  const at::Tensor w = fixture::random(y.sizes().vec(), 5);
  y.backward(w);
  at::NoGradGuard no_gradients;
  for (auto& parameter : of.parameters().all()) {
    const at::Tensor before = parameter.value.detach().clone(), gradient = parameter.value.grad().to(at::kDouble);
    // Along the gradient itself, whose slope is its own size: no direction shows more.
    const double size = gradient.square().sum().sqrt().item().toDouble();
    if (size == 0) continue;  // of another place
    SCOPED_TRACE(parameter.name);
    seen.insert(parameter.name);
    // DoRA takes the norm that A and B make for a constant (its section 4.3): only PEFT's gradients tell theirs.
    if (has_constant_norm(of) && !parameter.name.ends_with(methods::kLoraMagnitude)) continue;
    if (has_constant_basis(of.recipe)) continue;
    const auto slope = [&](double h) {
      const auto loss_at = [&](double distance) {
        parameter.value.detach().copy_(before.add(gradient, distance / size));
        of.parameters().refresh_compute();
        return run().to(at::kDouble).mul(w.to(at::kDouble)).sum().item().toDouble();
      };
      return (loss_at(h) - loss_at(-h)) / (2 * h);
    };
    // Richardson's: the error falls with the fourth power of the step. What bends much, or has corners, takes the
    // smaller step.
    const auto found = [&](double h) { return (4 * slope(h / 2) - slope(h)) / 3; };
    constexpr double kNoise = 5e-6;  // of f32 sums
    const double large = found(step), small = found(step / 10);
    EXPECT_NEAR(std::abs(large - size) < std::abs(small - size) ? large : small, size, 2 * tolerance * size + kNoise);
    parameter.value.detach().copy_(before);
    of.parameters().refresh_compute();
  }
}

TEST_P(EveryMethod, GradientsAgreeWithDifferences) {
  Adapted of = adapted();
  of.start();
  of.move();
  std::set<std::string> seen;
  // A pass takes the same features and layers out every time; of several, one at least leaves a layer in.
  for (const std::uint64_t seed : {3, 4, 5}) {
    const nn::Pass pass{.training = true, .random = Rng(seed)};
    for (const auto& slot : of.model->linears()) {
      const nn::Linear& layer = **slot.linear;
      const at::Tensor x = fixture::random({7, layer.in_features()}, 9);
      compare_gradients(of, seen, [&] { return layer.forward(x, pass); });
    }
  }
  // What belongs to no linear layer is seen through the first few operations of the model alone.
  const auto ids = at::arange(0, 260, at::TensorOptions().dtype(at::kLong));
  compare_gradients(of, seen, [&] { return (*of.model->embedding().embedding)->rows(ids); });
  for (const auto& slot : of.model->norms())
    compare_gradients(of, seen, [&] {
      return ops::norm(fixture::random({7, slot.norm->weight.size(-1)}, 9), *slot.norm);
    });
  if (methods::virtual_rows(GetParam().adapter) > 0)
    compare_gradients(
        of, seen, [&] { return of.hidden(); }, 2e-3, 4e-2);  // which a whole model bends much more
  for (const auto& parameter : of.parameters().all()) EXPECT_TRUE(seen.contains(parameter.name)) << parameter.name;
}

TEST_P(EveryMethod, SavesWhatItLoadsAndWhatPeftReads) {
  Adapted first = adapted(), second = adapted();
  first.start(1), first.move();
  first.adapter->save(dir_ / "adapter", "some/model");
  if (takes_from_base(GetParam().adapter)) {  // what is saved is a plain LoRA of twice the rank
    Adapted plain(dir_ / "model", methods::read_peft_config(dir_ / "adapter"));
    plain.adapter->load(dir_ / "adapter");
    const at::Tensor expected = first.hidden().detach();
    EXPECT_THAT(plain.hidden().detach(), fixture::close_to(expected, 1e-5 * expected.abs().max().item().toDouble()));
    EXPECT_EQ(methods::read_peft_config(dir_ / "adapter").as<methods::Lora>().r,
              2 * GetParam().adapter.as<methods::Lora>().r);
    return;
  }
  second.adapter->load(dir_ / "adapter");

  const auto tensors = methods::tensors_of(GetParam().adapter, first.places);
  const bool is_whole =
      std::all_of(tensors.begin(), tensors.end(), [](const auto& tensor) { return tensor.saved || !tensor.trained; });
  if (is_whole) {
    EXPECT_THAT(second.parameters().flat(), fixture::bitwise_equal(first.parameters().flat()));
  }
  EXPECT_THAT(second.hidden().detach(), fixture::bitwise_equal(first.hidden().detach()));
  const methods::Adapter read = methods::read_peft_config(dir_ / "adapter");
  EXPECT_EQ(read.method, GetParam().adapter.method);
  EXPECT_NO_THROW(methods::require_start(read, GetParam().adapter));
  const auto check = [&] { methods::check_start(dir_ / "adapter", GetParam().adapter, first.places); };
  if (is_whole) {
    EXPECT_NO_THROW(check());
  } else {
    EXPECT_THAT(fixture::error_of(Fault::usage, check), testing::HasSubstr("what it was made with is not in the file"));
  }
  Adapted third(dir_ / "model", read);
  third.adapter->load(dir_ / "adapter");
  EXPECT_THAT(third.hidden().detach(), fixture::bitwise_equal(first.hidden().detach()));
}

TEST_P(EveryMethod, DeclaresItsTensors) {
  Adapted of = adapted();
  of.start();
  std::set<std::string> declared, there;
  for (const auto& tensor : methods::tensors_of(GetParam().adapter, of.places))
    if (tensor.trained) declared.insert(tensor.name);
  for (const auto& parameter : of.parameters().all()) there.insert(weights::adapter_tensor_name(parameter.name));
  for (const Folded& matrix : of.adapter->folded()) {
    for (const auto& part : matrix.parts) there.erase(weights::adapter_tensor_name(part.parameter->name));
    there.insert(weights::adapter_tensor_name(matrix.name));
  }
  EXPECT_EQ(there, declared);
}

TEST_P(EveryMethod, TheWeightItGivesIsTheOneItComputesWith) {
  Adapted of = adapted();
  of.start(), of.move();
  if (draws_always(GetParam().adapter)) GTEST_SKIP() << "the weight has the means, which the case without draws tests";
  const at::NoGradGuard no_gradients;
  for (const auto& slot : of.model->linears()) {
    if (!slot.name.starts_with("model.layers.1")) continue;
    SCOPED_TRACE(slot.name);
    const nn::Linear& layer = **slot.linear;
    const at::Tensor x = fixture::random({3, layer.in_features()}, 9), zero = x.mul(0);
    const at::Tensor expected = layer.apply(x).sub(layer.apply(zero));  // without the bias
    const double largest = expected.abs().max().item().toDouble();
    EXPECT_THAT(at::matmul(x, layer.weight(at::kFloat).t()), fixture::close_to(expected, 1e-5 * largest));
    EXPECT_THAT(layer.forward(x, {}), fixture::close_to(layer.apply(x), 1e-5 * largest)) << "decoding";
    const at::Tensor dy = fixture::random({3, layer.out_features()}, 11);
    const at::Tensor expected_dx = at::matmul(dy, layer.weight(at::kFloat));
    const double largest_dx = expected_dx.abs().max().item().toDouble();
    EXPECT_THAT(layer.apply_transposed(dy), fixture::close_to(expected_dx, 1e-5 * largest_dx));
    const at::AutoGradMode recording(true);
    const at::Tensor leaf = x.detach().clone().requires_grad_(true);
    const at::Tensor y = layer.forward(leaf, {});
    y.backward(dy);
    EXPECT_THAT(leaf.grad(), fixture::close_to(expected_dx, 1e-5 * largest_dx)) << "backward";
  }
}

/// Whether the base decides what is trained: a base that is rounded has other singular vectors and largest values.
bool is_of_the_base(const methods::Adapter& adapter) {
  const std::string_view name = adapter.method->name;
  return name == "frod" || name == "osf" || name == "supertuning" || name == "psoft";
}

TEST_P(EveryMethod, LearnsInBf16) {
  Adapted wide = adapted(), narrow = adapted(at::kBFloat16);
  for (Adapted* const of : {&wide, &narrow}) of->start(), of->move();
  if (has_fixed_start(GetParam().adapter)) {  // the smallest directions of a base that is rounded are others
    wide.adapter->save(dir_ / "wide", "some/model");
    narrow.adapter->load(dir_ / "wide");
  }
  for (Adapted* const of : {&wide, &narrow}) {
    of->hidden().backward(Adapted::weights().to(of == &wide ? at::kFloat : at::kBFloat16));
  }
  const double size = wide.gradient.square().sum().sqrt().item().toDouble(),
               away = wide.gradient.sub(narrow.gradient).square().sum().sqrt().item().toDouble();
  EXPECT_GT(size, 0);
  if (is_of_the_base(GetParam().adapter)) {  // the two gradients are those of other values
    EXPECT_GT(narrow.gradient.square().sum().item().toDouble(), 0);
    return;
  }
  // Few values that many products share have gradients that are small differences of large sums; a start that takes
  // the largest part out of the base leaves such differences everywhere.
  EXPECT_LT(away, (takes_from_base(GetParam().adapter) ? 0.3 : 0.25) * size);
}

INSTANTIATE_TEST_SUITE_P(Cases, EveryMethod, testing::ValuesIn(fixture::AdapterCase::all()),
                         [](const auto& of) { return of.param.name; });

TEST(EveryMethodOfTheTable, HasACase) {
  std::set<std::string_view> cases, rows;
  for (const auto& of : fixture::AdapterCase::all()) cases.insert(of.adapter.method->name);
  for (const auto* const method : methods::table()) rows.insert(method->name);
  EXPECT_EQ(cases, rows);
}

}  // namespace
}  // namespace pst::peft
