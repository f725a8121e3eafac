// SPDX-License-Identifier: Apache-2.0
#include "train/loss.hpp"
#include "families/read_model.hpp"

#include <ATen/ops/log_softmax.h>
#include <ATen/ops/matmul.h>

#include "model/decoder.hpp"
#include "peft/lora_adapter.hpp"
#include "support/temporary_directory.hpp"
#include "support/tensors.hpp"
#include "support/tiny_model.hpp"

namespace pst::train {
namespace {

/// A tiny model with an adapter whose B is not zero, so that every gradient counts.
struct Tiny {
  std::unique_ptr<nn::CausalLm> model;
  std::optional<peft::LoraAdapter> adapter;
  at::Tensor gradient;
  nn::Batch batch;

  explicit Tiny(const recipe::Targets& targets = {}) {
    const fixture::TemporaryDirectory dir;
    fixture::write_tiny_model(dir.path(), {.layers = 2, .vocab = 700});
    model = model::load(families::read_model(dir.path()), weights::TensorStore::open(dir.path()),
                              at::kFloat, 64);
    recipe::Adapter recipe;
    recipe.r = 4;
    recipe.target_modules = targets;
    adapter.emplace(*model, recipe, at::kFloat);
    at::NoGradGuard no_gradients;
    adapter->parameters().flat().copy_(fixture::random({adapter->parameters().flat().numel()}, 5).mul(0.2));
    gradient = adapter->parameters().new_gradient();
    adapter->parameters().accumulate_into(gradient);
    batch = nn::make_batch(fixture::Tokens({30, 9, 20}, 260, 1).spans(), 700);
  }
  at::Tensor hidden(nn::Recompute recompute = nn::Recompute::nothing) { return model->forward(batch, {}, recompute); }
};

/// All logits at once and autograd's own log softmax: obviously right.
at::Tensor plain_loss(Tiny& setup, const at::Tensor& hidden) {
  const at::Tensor logits = setup.model->head().forward(hidden.index_select(0, setup.batch.label_rows), {});
  return at::log_softmax(logits, -1).gather(1, setup.batch.targets.unsqueeze(1)).sum().neg();
}

TEST(Loss, ChunkedLossAndGradientMatchThePlainForm) {
  Tiny chunked, plain;

  const double loss = summed_loss_backward(*chunked.model, chunked.batch, chunked.hidden(), 0.125);
  const at::Tensor expected = plain_loss(plain, plain.hidden());
  expected.mul(0.125).backward();

  EXPECT_NEAR(loss, expected.item().toDouble(), 1e-4 * loss);
  EXPECT_NEAR(summed_loss(*chunked.model, chunked.batch, chunked.hidden()), loss, 1e-6 * loss);
  EXPECT_GT(plain.gradient.abs().max().item().toDouble(), 1e-3);
  EXPECT_THAT(chunked.gradient, fixture::close_to(plain.gradient, 1e-5));
}

TEST(Loss, AnAdapterOnTheHeadIsTrainedToo) {
  const recipe::Targets head{recipe::Targets::Kind::names, {"lm_head", "q_proj"}, {}};
  Tiny chunked(head), plain(head);
  summed_loss_backward(*chunked.model, chunked.batch, chunked.hidden(), 1);
  plain_loss(plain, plain.hidden()).backward();
  EXPECT_THAT(chunked.gradient, fixture::close_to(plain.gradient, 1e-4));
}

TEST(Loss, RecomputationGivesTheSameBits) {
  Tiny kept, again;
  const double a = summed_loss_backward(*kept.model, kept.batch, kept.hidden(), 1);
  const double b = summed_loss_backward(*again.model, again.batch, again.hidden(nn::Recompute::layers), 1);
  EXPECT_EQ(a, b);
  EXPECT_THAT(again.gradient, fixture::bitwise_equal(kept.gradient));
}

}  // namespace
}  // namespace pst::train
