// SPDX-License-Identifier: Apache-2.0
// Whatever a decoder is made of, training gives the same bits on any number of ranks, with its weights in shares and
// with gradient checkpointing, over numbers and over the formats that are quantised.
#include "core/strings.hpp"
#include "support/tensors.hpp"
#include "support/tiny_kinds.hpp"
#include "unit/train/tiny_training.hpp"

namespace pst::train {
namespace {

using fixture::TinyTraining;
using fixture::TrainingOptions;
using weights::NumberFormat;

struct Trained {
  at::Tensor adapter;
  std::vector<double> losses;
};

class EveryKind : public testing::TestWithParam<fixture::Kind> {
 protected:
  static TrainingOptions two_steps() {
    TrainingOptions options;
    options.settings.train.max_steps = 2;
    options.settings.evaluate.every_steps.reset();
    return options;
  }

  Trained train(int ranks, const TrainingOptions& options) const {
    Trained trained;
    comm::run_ranks(ranks, [&](comm::Communicator& group) {
      TinyTraining training(group, folder_, options);
      training.fit();
      const at::Tensor adapter = training.values();
      group.barrier();
      if (!group.is_root()) return;
      trained.adapter = adapter;
      for (const auto& step : training.steps) trained.losses.push_back(step.loss);
    });
    return trained;
  }
  static void expect_same(const Trained& trained, const Trained& expected) {
    EXPECT_THAT(trained.adapter, fixture::bitwise_equal(expected.adapter));
    EXPECT_EQ(trained.losses, expected.losses);
  }
  /// The same on ranks of their own, in shares, and when forward is computed again.
  void expect_same_everywhere(const TrainingOptions& options, const Trained& expected) const {
    for (const int ranks : {2, 4})
      for (const bool shares : {false, true}) {
        SCOPED_TRACE(cat(ranks, " ranks, ", shares ? "shares" : "copies"));
        TrainingOptions spread = options;
        spread.weights_in_shares = spread.optimizer_in_shares = shares;
        expect_same(train(ranks, spread), expected);
      }
    TrainingOptions again = options;
    again.settings.recompute = nn::Recompute::layers;
    SCOPED_TRACE("with recomputation");
    expect_same(train(1, again), expected);
    again.weights_in_shares = true;
    expect_same(train(2, again), expected);
  }

  fixture::TrainingFolder folder_{GetParam().model};
};

TEST_P(EveryKind, SameBitsHoweverItIsSpread) {
  for (const auto compute : {at::kFloat, at::kBFloat16}) {
    SCOPED_TRACE(c10::toString(compute));
    TrainingOptions options = two_steps();
    options.compute = compute;
    const Trained expected = train(1, options);
    ASSERT_EQ(expected.losses.size(), 2u);

    expect_same_everywhere(options, expected);

    options.settings.train.seed = 8;
    EXPECT_GT(fixture::largest_difference(train(1, options).adapter, expected.adapter), 0)
        << "another seed gives the same adapter, so this test cannot fail";
  }
}

TEST_P(EveryKind, LearnsOverQuantisedMatrices) {
  const Trained dense = train(1, two_steps());
  for (const auto format : {NumberFormat::nf4, NumberFormat::int8, NumberFormat::fp8}) {
    SCOPED_TRACE(weights::name_of(format));
    TrainingOptions options = two_steps();
    options.format = format;
    const Trained expected = train(1, options);

    // Random matrices of normal values: NF4 is off by a tenth of their spread, INT8 and FP8 by less.
    for (std::size_t i = 0; i < 2; ++i) EXPECT_NEAR(expected.losses[i], dense.losses[i], 0.02 * dense.losses[i]);
    EXPECT_NE(expected.losses, dense.losses) << "nothing was quantised";
    expect_same_everywhere(options, expected);
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, EveryKind, testing::ValuesIn(fixture::kinds()),
                         [](const auto& kind) { return kind.param.name; });

}  // namespace
}  // namespace pst::train
