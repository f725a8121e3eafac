// SPDX-License-Identifier: Apache-2.0
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/matmul.h>

#include "families/read_model.hpp"
#include "model/decoder.hpp"
#include "objective/objective.hpp"
#include "peft/adapter.hpp"
#include "support/adapters.hpp"
#include "support/temporary_directory.hpp"
#include "support/tensors.hpp"
#include "support/tiny_model.hpp"

namespace pst::objective {
namespace {

/// A tiny model with an adapter whose B is not zero, so that every gradient counts.
struct Tiny {
  std::unique_ptr<nn::CausalLm> model;
  std::unique_ptr<peft::Adapter> adapter;
  at::Tensor gradient;
  nn::Batch batch;

  explicit Tiny(const methods::Targets& targets = {}) {
    const fixture::TemporaryDirectory dir;
    fixture::write_tiny_model(dir.path(), {.layers = 2, .vocab = 700});
    model = model::load(families::read_model(dir.path()), weights::TensorStore::open(dir.path()), at::kFloat, 64);
    adapter = peft::make_adapter(*model, fixture::lora({.r = 4}, targets), at::kFloat);
    at::NoGradGuard no_gradients;
    adapter->parameters().flat().copy_(fixture::random({adapter->parameters().flat().numel()}, 5).mul(0.2));
    gradient = adapter->parameters().new_gradient();
    adapter->parameters().accumulate_into(gradient);
    batch = nn::make_batch(fixture::Tokens({30, 9, 20}, 260, 1).spans(), 700);
  }
  at::Tensor hidden() { return model->forward(batch, {}, nn::Recompute::nothing); }
  double backward(double scale, nn::Recompute recompute = nn::Recompute::nothing, double smoothing = 0) {
    return cross_entropy(smoothing)->backward({*model, {}, recompute}, batch, scale);
  }
  double value(double smoothing = 0) {
    return cross_entropy(smoothing)->value({*model, {}, nn::Recompute::nothing}, batch);
  }
};

/// All logits at once and autograd's own log softmax: obviously right.
at::Tensor plain_loss(Tiny& setup, const at::Tensor& hidden) {
  const at::Tensor logits = setup.model->logits(hidden.index_select(0, setup.batch.label_rows));
  return at::log_softmax(logits, -1).gather(1, setup.batch.targets.unsqueeze(1)).sum().neg();
}

TEST(CrossEntropy, ChunkedLossAndGradientMatchThePlainForm) {
  Tiny chunked, plain;

  const double loss = chunked.backward(0.125);
  const at::Tensor expected = plain_loss(plain, plain.hidden());
  expected.mul(0.125).backward();

  EXPECT_NEAR(loss, expected.item().toDouble(), 1e-4 * loss);
  EXPECT_NEAR(chunked.value(), loss, 1e-6 * loss);
  EXPECT_GT(plain.gradient.abs().max().item().toDouble(), 1e-3);
  EXPECT_THAT(chunked.gradient, fixture::close_to(plain.gradient, 1e-5));
}

TEST(CrossEntropy, SmoothedLabelsAreLearnedAndThePlainLossIsReported) {
  Tiny smoothed, plain;

  const double loss = smoothed.backward(0.125, nn::Recompute::nothing, 0.1);
  const at::Tensor logits = plain.model->logits(plain.hidden().index_select(0, plain.batch.label_rows));
  const at::Tensor losses = at::log_softmax(logits, -1).neg();
  const at::Tensor expected =
      losses.gather(1, plain.batch.targets.unsqueeze(1)).sum() * 0.9 + losses.mean(-1).sum() * 0.1;
  expected.mul(0.125).backward();

  EXPECT_NEAR(loss, expected.item().toDouble(), 1e-4 * loss);
  EXPECT_THAT(smoothed.gradient, fixture::close_to(plain.gradient, 1e-5));
  EXPECT_EQ(smoothed.value(0.1), smoothed.value());
  EXPECT_GT(loss, smoothed.value() * 1.001) << "nothing was smoothed";
}

TEST(CrossEntropy, AnAdapterOnTheHeadIsTrainedToo) {
  const methods::Targets head = fixture::named({"lm_head", "q_proj"});
  Tiny chunked(head), plain(head);
  chunked.backward(1);
  plain_loss(plain, plain.hidden()).backward();
  EXPECT_THAT(chunked.gradient, fixture::close_to(plain.gradient, 1e-4));
}

TEST(CrossEntropy, RecomputationGivesTheSameBits) {
  Tiny kept, again;
  const double a = kept.backward(1);
  const double b = again.backward(1, nn::Recompute::layers);
  EXPECT_EQ(a, b);
  EXPECT_THAT(again.gradient, fixture::bitwise_equal(kept.gradient));
}

TEST(CrossEntropy, AStepIsWeighedByItsLabelledTokens) {
  EXPECT_EQ(cross_entropy()->weight({.tokens = 59, .labelled = 11, .attention_pairs = 1381}), 11);
}

TEST(CrossEntropy, TheLoopHearsWhenForwardIsOver) {
  Tiny setup;
  int heard = 0;
  cross_entropy()->backward({*setup.model, {}, nn::Recompute::nothing, [&] { ++heard; }}, setup.batch, 1);
  EXPECT_EQ(heard, 1);
}

}  // namespace
}  // namespace pst::objective
