// SPDX-License-Identifier: Apache-2.0
// Whatever is trained, it has the same bits on any number of ranks, with weights in shares, with gradient
// checkpointing, and when it is stopped and resumed. The files of tests/fixtures/adapters say which methods.
#include <ATen/ops/cat.h>

#include <csignal>

#include "support/adapter_cases.hpp"
#include "support/errors.hpp"
#include "support/tensors.hpp"
#include "unit/train/tiny_training.hpp"

namespace pst::train {
namespace {

using fixture::TinyTraining;
using fixture::TrainingOptions;

struct Outcome {
  at::Tensor adapter;
  std::vector<double> losses;
};

/// All trained values, without the gaps between tensors.
at::Tensor values_of(TinyTraining& training) {
  std::vector<at::Tensor> values;
  for (const auto& parameter : training.parameters().all()) values.push_back(parameter.compute.flatten());
  return at::cat(values);
}

class EveryMethod : public testing::TestWithParam<fixture::AdapterCase> {
 protected:
  TrainingOptions steps(int count, at::ScalarType compute = at::kFloat) const {
    TrainingOptions options;
    options.adapter = GetParam().adapter;
    options.settings.train.max_steps = count;
    options.settings.evaluate.every_steps.reset();
    options.compute = compute;
    if (!GetParam().adapter.targeting.target_parameters.empty()) options.settings.balance = 0.1;
    return options;
  }
  Outcome train(int ranks, const TrainingOptions& options) const {
    Outcome outcome;
    comm::run_ranks(ranks, [&](comm::Communicator& group) {
      TinyTraining training(group, folder_, options);
      training.fit();
      const at::Tensor adapter = values_of(training);
      group.barrier();
      if (!group.is_root()) return;
      outcome.adapter = adapter;
      for (const auto& step : training.steps) outcome.losses.push_back(step.loss + step.balance_loss.value_or(0));
    });
    return outcome;
  }
  static void expect_same(const Outcome& outcome, const Outcome& expected) {
    EXPECT_THAT(outcome.adapter, fixture::bitwise_equal(expected.adapter));
    EXPECT_EQ(outcome.losses, expected.losses);
  }

  fixture::TrainingFolder folder_{GetParam().model({.heads = 4, .kv_heads = 2, .intermediate = 48, .vocab = 300})};
};

TEST_P(EveryMethod, SameBitsHoweverItIsSpread) {
  for (const auto compute : {at::kFloat, at::kBFloat16}) {
    SCOPED_TRACE(c10::toString(compute));
    const TrainingOptions options = steps(2, compute);
    const Outcome expected = train(1, options);
    ASSERT_EQ(expected.losses.size(), 2u);

    expect_same(train(2, options), expected);
    TrainingOptions spread = options;
    spread.weights_in_shares = true;
    spread.optimizer_in_shares = !methods::is_whole_on_every_rank(GetParam().adapter);
    expect_same(train(4, spread), expected);
    TrainingOptions again = options;
    again.settings.recompute = nn::Recompute::layers;
    SCOPED_TRACE("with recomputation");
    expect_same(train(1, again), expected);
  }
}

TEST_P(EveryMethod, ResumesToTheSameBits) {
  const Outcome expected = train(1, steps(4));
  TrainingOptions options = steps(4);
  options.saving = {.every_steps = 2};
  comm::run_ranks(1, [&](comm::Communicator& group) {
    TinyTraining stopped(group, folder_, options);
    stopped.after_step = [](TinyTraining& training, std::int64_t step) {
      if (step == 2) training.stop_signal = SIGTERM;
    };
    fixture::error_of(Fault::stopped, [&] { stopped.fit(); });
    ASSERT_LT(stopped.steps.size(), 4u);
    TinyTraining resumed(group, folder_, options);
    resumed.fit(resumed.restore());
    EXPECT_THAT(values_of(resumed), fixture::bitwise_equal(expected.adapter));
  });
}

TEST_P(EveryMethod, LearnsOverQuantisedMatrices) {
  using weights::NumberFormat;
  const Outcome dense = train(1, steps(2));
  for (const auto format : {NumberFormat::nf4, NumberFormat::int8, NumberFormat::fp8}) {
    SCOPED_TRACE(weights::name_of(format));
    TrainingOptions options = steps(2);
    options.format = format;
    const Outcome expected = train(1, options);
    for (std::size_t i = 0; i < 2; ++i) EXPECT_NEAR(expected.losses[i], dense.losses[i], 0.02 * dense.losses[i]);
    EXPECT_NE(expected.losses, dense.losses) << "nothing was quantised";
    options.weights_in_shares = true;
    expect_same(train(2, options), expected);
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, EveryMethod, testing::ValuesIn(fixture::AdapterCase::all()),
                         [](const auto& of) { return of.param.name; });

}  // namespace
}  // namespace pst::train
