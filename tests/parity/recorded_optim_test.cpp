// SPDX-License-Identifier: Apache-2.0
// What torch's optimizers and transformers' schedules gave; recorded by tools/parity/record_fixtures.py.
#include <ATen/ops/tensor.h>

#include <map>
#include <nlohmann/json.hpp>

#include "config/parse_yaml.hpp"
#include "config/reader.hpp"
#include "core/file.hpp"
#include "ops/torch_exec.hpp"
#include "optim/optimizer.hpp"
#include "optim/schedule.hpp"
#include "source_tree.hpp"
#include "support/tensors.hpp"
#include "weights/safetensors.hpp"

namespace pst::optim {
namespace {

using Json = nlohmann::json;

Json recorded(const std::string& file) {
  return Json::parse(read_file(fs::path(PST_SOURCE_DIR) / "tests/fixtures/optim" / file));
}

/// A section of a recipe: JSON is YAML.
template <class Section>
Section section(const Json& json) {
  Section section;
  config::Problems problems;
  config::read(config::parse_yaml(json.dump(), "recorded", problems), section, problems);
  EXPECT_TRUE(problems.empty()) << json;
  return section;
}

at::Tensor floats(const Json& json) { return at::tensor(json.get<std::vector<float>>()); }

TEST(Recorded, OptimizersFollowTorch) {
  const Json file = recorded("optimizers.json");
  const at::Tensor start = floats(file.at("start"));

  for (const auto& [name, run] : file.at("runs").items()) {
    SCOPED_TRACE(name);
    const auto settings = section<recipe::Optimizer>(run.at("recipe"));
    nn::ParameterSet parameters;
    nn::Parameter& trained = parameters.add("x", run.at("shape").get<std::vector<std::int64_t>>());
    parameters.allocate(at::kFloat);
    parameters.flat().narrow(0, 0, start.numel()).copy_(start);
    Optimizer optimizer(settings, parameters, parallel::FlatShares(parameters, 1), 0);
    std::int64_t number = 0;
    for (const Json& values : file.at("gradients")) {
      const at::Tensor gradient = parameters.new_gradient();
      gradient.narrow(0, trained.offset, trained.count()).copy_(floats(values));

      optimizer.update(parameters, gradient, {.lr = settings.lr, .number = ++number});

      // Values up to 3 in f32, a handful of operations a step: a few units of 2^-23.
      EXPECT_THAT(trained.value.flatten(), fixture::close_to(floats(run.at("after").at(number - 1)), 1e-6)) << number;
    }
    ASSERT_EQ(optimizer.averages(), run.contains("averaged"));
    optimizer.exchange_averaged(parameters);
    if (optimizer.averages()) {
      EXPECT_THAT(trained.value.flatten(), fixture::close_to(floats(run.at("averaged")), 2e-6));
    }
    EXPECT_EQ(number, 6);
  }
}

TEST(Recorded, AdamWOf8BitsHasTheCodesOfBitsandbytes) {
  const fs::path file = fs::path(PST_SOURCE_DIR) / "tests/fixtures/optim/adamw_8bit.safetensors";
  const auto store = weights::TensorStore::open(file);
  std::map<std::string, at::Tensor> recorded;
  for (const auto& tensor : store.tensors())
    recorded[tensor.name] =
        ops::tensor_over(const_cast<std::byte*>(tensor.bytes.data()), tensor.shape, tensor.core_dtype()).clone();
  const auto settings = section<recipe::Optimizer>(Json::parse(store.metadata().at("optimizer")));
  const at::Tensor start = recorded.at("start");
  nn::ParameterSet parameters;
  nn::Parameter& trained = parameters.add("x", start.sizes().vec());
  parameters.allocate(at::kFloat);
  trained.value.detach().copy_(start);
  Optimizer optimizer(settings, parameters, parallel::FlatShares(parameters, 1), 0);

  for (std::int64_t number = 1; number <= recorded.at("gradients").size(0); ++number) {
    const at::Tensor gradient = parameters.new_gradient();
    gradient.narrow(0, 0, trained.count()).view(trained.shape).copy_(recorded.at("gradients")[number - 1]);
    optimizer.update(parameters, gradient, {.lr = settings.lr, .number = number});
    EXPECT_THAT(trained.value, fixture::close_to(recorded.at("after")[number - 1], 2e-6)) << number;
  }

  ASSERT_EQ(optimizer.state().size(), 4u);
  for (const State& state : optimizer.state()) {
    const State::Window& window = state.windows.at(0);
    const at::Tensor ours = state.values.narrow(0, window.begin, window.count);
    EXPECT_THAT(ours, fixture::bitwise_equal(recorded.at(state.name).flatten())) << state.name;
  }
}

TEST(Recorded, GroupsFollowTransformersAndLoraPlus) {
  const Json file = recorded("groups.json");
  ASSERT_EQ(file.at("runs").size(), 6u);

  for (const auto& [name, run] : file.at("runs").items()) {
    const auto settings = section<recipe::Optimizer>(run.at("recipe"));
    EXPECT_GT(run.at("tensors").size(), 2u) << name;
    for (const auto& [tensor, expected] : run.at("tensors").items()) {
      const nn::Parameter parameter{
          .name = tensor, .shape = expected.at("shape").get<std::vector<std::int64_t>>(), .value = {}, .compute = {}};
      const Group group = group_of(settings, parameter);
      EXPECT_NEAR(settings.lr * group.lr_factor, expected.at("lr").get<double>(), 1e-18) << name << " " << tensor;
      EXPECT_EQ(group.weight_decay, expected.at("weight_decay").get<double>()) << name << " " << tensor;
    }
  }
}

TEST(Recorded, SchedulesFollowTransformers) {
  const Json file = recorded("schedules.json");
  const std::int64_t total = file.at("total_steps");

  for (const auto& [name, run] : file.at("runs").items()) {
    SCOPED_TRACE(name);
    const auto scheduler = section<recipe::Scheduler>(run.at("recipe"));
    ASSERT_EQ(run.at("rates").size(), 20u);
    for (std::int64_t step = 0; step < total; ++step)
      EXPECT_NEAR(learning_rate(scheduler, 1, step, total), run.at("rates").at(step).get<double>(), 1e-15) << step;
  }
}

}  // namespace
}  // namespace pst::optim
