#include "train/trainer.hpp"

#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "kernels/adamw/adamw.hpp"
#include "kernels/reduce/reduce.hpp"
#include "ops/exec.hpp"
#include "parallel/ordered_sum.hpp"
#include "train/evaluate.hpp"
#include "train/loss.hpp"
#include "train/micro_batch.hpp"
#include "train/schedule.hpp"

namespace pst::train {
namespace {

/// Adds the time since the last call, or since it was made, to a field.
class Stopwatch {
 public:
  void into(double& field) {
    const double now = monotonic_seconds();
    field += now - last_;
    last_ = now;
  }

 private:
  double last_ = monotonic_seconds();
};

/// The loop's state and its one step.
class Loop {
 public:
  Loop(const Parts& parts, const Settings& settings)
      : parts_(parts),
        settings_(settings),
        order_(parts.training, {settings.packing, settings.shuffle, settings.max_length,
                                settings.train.global_batch_size, settings.train.seed}),
        total_steps_(train::total_steps(order_, settings.train)),
        leaves_((settings.train.global_batch_size + settings.train.micro_batch_size - 1) /
                settings.train.micro_batch_size),
        mine_(parallel::leaves_of_rank(leaves_, parts.group.rank(), parts.group.size())),
        buffers_([&parameters = parts.parameters] { return parameters.new_gradient(); }),
        all_reduce_(parts.group),
        moment1_(at::zeros_like(parts.parameters.flat())),
        moment2_(at::zeros_like(parts.parameters.flat())) {}

  std::int64_t total_steps() const { return total_steps_; }

  /// Forward and backward over this rank's micro batches, the ordered sum, one update.
  StepRecord step(std::int64_t index) {
    const double began = monotonic_seconds();
    Stopwatch watch;
    StepRecord record{.step = index + 1,
                      .total_steps = total_steps_,
                      .lr = learning_rate(settings_.scheduler, settings_.optimizer.lr, index, total_steps_)};
    const std::vector<data::Row>& rows = order_.rows_of_step(index);
    const RowTotals totals = totals_of(parts_.training, rows);
    PST_ASSERT(totals.labelled > 0, "prepare keeps no document without a label");
    record.rows = static_cast<std::int64_t>(rows.size());
    record.tokens = totals.tokens;
    record.labelled_tokens = totals.labelled;
    watch.into(record.data_s);

    std::vector<double> losses(static_cast<std::size_t>(leaves_), 0.0);  // summed loss of each micro batch
    const Rng random = Rng(settings_.train.seed).child("step").child(static_cast<std::uint64_t>(index));
    const auto add_leaf = [&](std::int64_t leaf, const at::Tensor& gradient) {
      const auto batch =
          micro_batch(parts_.training, rows, leaf, settings_.train.micro_batch_size, parts_.model.vocabulary());
      watch.into(record.data_s);
      if (!batch) return;  // an epoch's last step may have fewer rows: its missing leaves count as zeros
      parts_.parameters.accumulate_into(gradient);
      const nn::Pass pass{.training = true, .random = random.child(static_cast<std::uint64_t>(leaf))};
      const at::Tensor hidden = parts_.model.forward(*batch, pass, settings_.recompute);
      watch.into(record.forward_s);
      losses[static_cast<std::size_t>(leaf)] =
          summed_loss_backward(parts_.model, *batch, hidden, 1.0 / static_cast<double>(totals.labelled));
      watch.into(record.backward_s);
    };
    const at::Tensor gradient = parallel::sum_of_leaves(mine_.begin, mine_.size(), buffers_, add_leaf);
    watch.into(record.backward_s);

    all_reduce_(gradient);
    record.loss = sum_over_ranks(parts_.group, losses) / static_cast<double>(totals.labelled);
    watch.into(record.communication_s);

    record.grad_norm = std::sqrt(kernels::sum_of_squares(ops::cpu_exec(), ops::view_of(gradient)));
    if (!std::isfinite(record.loss) || !std::isfinite(record.grad_norm))
      throw Error(Fault::data,
                  cat("step ", record.step, " gave loss ", record.loss, " and gradient norm ", record.grad_norm),
                  "lower optimizer.lr, or look at the data of this step; with bf16, try train.precision: fp32");
    update(record, gradient);
    buffers_.give_back(gradient);
    watch.into(record.optimizer_s);
    record.step_s = monotonic_seconds() - began;
    return record;
  }

 private:
  void update(const StepRecord& record, const at::Tensor& gradient) {
    const double limit = settings_.train.max_grad_norm;
    const double factor =
        limit > 0 ? std::min(1.0, limit / (record.grad_norm + 1e-6)) : 1.0;  // torch's clip_grad_norm_
    const auto& [name, lr, betas, eps, weight_decay] = settings_.optimizer;
    kernels::adamw(ops::cpu_exec(),
                   {.lr = record.lr,
                    .beta1 = betas[0],
                    .beta2 = betas[1],
                    .eps = eps,
                    .weight_decay = weight_decay,
                    .step = record.step,
                    .gradient_factor = factor},
                   ops::view_of(parts_.parameters.flat()), ops::view_of(gradient), ops::view_of(moment1_),
                   ops::view_of(moment2_));
    parts_.parameters.refresh_compute();
  }

  const Parts& parts_;
  const Settings& settings_;
  data::DataOrder order_;
  std::int64_t total_steps_;
  std::int64_t leaves_;  // micro batches of a full step
  parallel::LeafRange mine_;
  parallel::GradientBuffers buffers_;
  parallel::OrderedAllReduce all_reduce_;
  at::Tensor moment1_, moment2_;
};

}  // namespace

std::int64_t total_steps(const data::DataOrder& order, const recipe::Train& train) {
  return train.max_steps ? *train.max_steps : order.steps_in(train.epochs);
}

Outcome fit(const Parts& parts, const Settings& settings) {
  Loop loop(parts, settings);
  Outcome outcome;
  const auto evaluate_now = [&](std::int64_t step) -> std::optional<double> {
    if (parts.validation == nullptr) return std::nullopt;
    const EvalRecord record = evaluate(parts, settings, step);
    parts.on_eval(record);
    return record.loss;
  };

  outcome.validation_before = evaluate_now(0);
  outcome.validation_after = outcome.validation_before;
  const double began = monotonic_seconds();
  for (std::int64_t step = 0; step < loop.total_steps(); ++step) {
    parts.between_steps();
    const StepRecord record = loop.step(step);
    parts.on_step(record);
    outcome.steps = record.step;
    outcome.tokens += record.tokens;
    outcome.last_loss = record.loss;
    const bool last = record.step == loop.total_steps();
    const bool due = settings.evaluate.every_steps && record.step % *settings.evaluate.every_steps == 0;
    if (last || due) outcome.validation_after = evaluate_now(record.step);
  }
  outcome.seconds = monotonic_seconds() - began;
  return outcome;
}

}  // namespace pst::train
