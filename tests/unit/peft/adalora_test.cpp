// SPDX-License-Identifier: Apache-2.0
#include "methods/adalora.hpp"

#include <ATen/ops/eye.h>
#include <gmock/gmock.h>

#include <numeric>

#include "families/read_model.hpp"
#include "methods/method.hpp"
#include "methods/peft_config.hpp"
#include "model/decoder.hpp"
#include "peft/adapter.hpp"
#include "peft/rank_allocator.hpp"
#include "support/adapter_pass.hpp"
#include "support/errors.hpp"
#include "support/temporary_directory.hpp"
#include "support/tensors.hpp"
#include "weights/safetensors.hpp"

namespace pst::peft {
namespace {

methods::Adapter recipe() {
  methods::Adapter adapter(*methods::find("adalora"));
  adapter.as<methods::Adalora>() = {.init_r = 4, .target_r = 1, .tinit = 1, .tfinal = 1, .total_step = 5};
  return adapter;
}

struct Tiny {
  std::unique_ptr<nn::CausalLm> model;
  std::unique_ptr<Adapter> adapter;

  explicit Tiny(const std::filesystem::path& folder, const methods::Adapter& recipe)
      : model(model::load(families::read_model(folder), weights::TensorStore::open(folder), at::kFloat, 64)),
        adapter(make_adapter(*model, recipe, at::kFloat)) {
    adapter->initialise(1);
    at::NoGradGuard no_gradients;
    adapter->parameters().flat().add_(fixture::random({adapter->parameters().size()}, 7).mul(0.2));
  }
  at::Tensor hidden() const {
    const fixture::Tokens tokens({9, 20}, 260, 1);
    return model->forward(nn::make_batch(tokens.spans(), 320), {}, nn::Recompute::nothing).detach();
  }
};

class Adalora : public testing::Test {
 protected:
  Adalora() { fixture::write_tiny_model(dir_ / "model", fixture::awkward_model(2)); }
  fixture::TemporaryDirectory dir_;
};

TEST_F(Adalora, KeepsDirectionsAtRightAngles) {
  Tiny tiny(dir_ / "model", recipe());
  nn::ParameterSet& parameters = tiny.adapter->parameters();
  const at::Tensor slope = parameters.new_gradient();
  tiny.adapter->hook()->add_to(slope);

  at::NoGradGuard no_gradients;
  const auto penalty = [&] {
    double sum = 0;
    int factors = 0;
    for (const auto& parameter : parameters.all()) {
      if (parameter.name.ends_with("lora_E")) continue;
      const at::Tensor p = parameter.value.to(at::kDouble), q = parameter.name.ends_with("lora_A") ? p : p.t();
      sum += q.mm(q.t()).sub(at::eye(4, at::kDouble)).square().sum().sqrt().item().toDouble();
      ++factors;
    }
    return 0.5 * sum / factors;
  };
  const double size = slope.to(at::kDouble).square().sum().sqrt().item().toDouble();
  const at::Tensor before = parameters.flat().clone();
  const auto at_distance = [&](double distance) {
    parameters.flat().copy_(before.add(slope, distance / size));
    return penalty();
  };
  EXPECT_NEAR((at_distance(0.01) - at_distance(-0.01)) / 0.02, size, 1e-3 * size);
}

TEST_F(Adalora, BudgetFallsWithTheCubeOfTheStepsLeft) {
  const methods::Adalora keys{.tinit = 2, .tfinal = 3};
  const auto budget = [&](std::int64_t step) { return RankAllocator::budget(keys, step, 15, 100, 20); };
  EXPECT_EQ(budget(2), 100);
  EXPECT_EQ(budget(7), 30);  // half of the ten steps: 20 + 80 / 8
  EXPECT_EQ(budget(12), 20);
  EXPECT_EQ(budget(13), 20);
}

TEST_F(Adalora, ADirectionThatIsGoneStaysAway) {
  Tiny tiny(dir_ / "model", recipe());
  nn::ParameterSet& parameters = tiny.adapter->parameters();
  const auto update = [&](std::int64_t step) {
    tiny.adapter->hook()->after_update(step, 5, fixture::random({parameters.size()}, static_cast<std::uint64_t>(step)),
                                       1);
  };
  for (const std::int64_t step : {1, 2, 3, 4}) update(step);
  at::NoGradGuard no_gradients;
  for (auto& parameter : parameters.all()) {
    if (!parameter.name.ends_with("lora_E")) continue;
    const at::Tensor gone = parameter.value == 0;
    parameter.value.add_(1);  // what an optimizer's momentum does
    update(5);                // after the last choice
    EXPECT_TRUE(((parameter.value == 0) == gone).all().item().toBool()) << parameter.name;
  }
}

TEST_F(Adalora, ARunTooShortForItsKeysIsRefused) {
  methods::Adapter adapter(*methods::find("adalora"));
  adapter.as<methods::Adalora>() = {.tinit = 4, .tfinal = 2};
  const auto note = [&](std::int64_t steps) { return adapter.method->note_on_steps(adapter, steps); };
  EXPECT_THAT(fixture::error_of(Fault::usage, [&] { note(6); }), testing::HasSubstr("the run has 6 steps"));
  EXPECT_EQ(note(7), "");
  adapter.as<methods::Adalora>().total_step = 50;
  EXPECT_THAT(note(7), testing::HasSubstr("more than target_r are left"));
  EXPECT_EQ(note(50), "");
}

TEST_F(Adalora, SavesTheDirectionsThatAreLeft) {
  Tiny tiny(dir_ / "model", recipe());
  nn::ParameterSet& parameters = tiny.adapter->parameters();
  for (std::int64_t step = 1; step <= 5; ++step)
    tiny.adapter->hook()->after_update(step, 5, fixture::random({parameters.size()}, static_cast<std::uint64_t>(step)),
                                       1);
  tiny.adapter->save(dir_ / "adapter", "some/model");

  const methods::Adapter read = methods::read_peft_config(dir_ / "adapter");
  std::int64_t left = 0;
  for (const auto& [name, kept] : read.as<methods::Adalora>().rank_pattern)
    left += std::count(kept.begin(), kept.end(), true);
  EXPECT_EQ(left, 14) << "one for each of the 14 layers, in the mean";
  Tiny again(dir_ / "model", read);
  again.adapter->load(dir_ / "adapter");
  const at::Tensor expected = tiny.hidden();
  EXPECT_THAT(again.hidden(), fixture::close_to(expected, 1e-5 * expected.abs().max().item().toDouble()));
}

}  // namespace
}  // namespace pst::peft
