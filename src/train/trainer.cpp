// SPDX-License-Identifier: Apache-2.0
#include "train/trainer.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "core/trace.hpp"
#include "data/order.hpp"
#include "kernels/reduce/reduce.hpp"
#include "ops/torch_exec.hpp"
#include "optim/schedule.hpp"
#include "parallel/ordered_sum.hpp"
#include "parallel/share_exchange.hpp"
#include "train/evaluate.hpp"
#include "train/micro_batch.hpp"

namespace pst::train {
namespace {

std::int64_t steps_in(const data::DataOrder& order, const recipe::Train& train) {
  return train.max_steps ? *train.max_steps : order.steps_in(train.epochs);
}

/// Adds the time since the last call, or since it was made, to a field.
class Stopwatch {
 public:
  /// @param phase  what a trace calls it
  void into(double& field, const char* phase) {
    const double now = monotonic_seconds();
    field += now - last_;
    last_ = now;
    laps_.lap(phase);
  }

 private:
  trace::Laps laps_;
  double last_ = monotonic_seconds();
};

/// The loop's state and its one step.
class Loop {
 public:
  Loop(const Parts& parts, const Settings& settings)
      : parts_(parts),
        settings_(settings),
        order_(parts.training, {settings.packing, settings.shuffle, settings.max_length,
                                settings.train.global_batch_size, settings.train.seed, settings.remainder}),
        total_steps_(steps_in(order_, settings.train)),
        leaves_((settings.train.global_batch_size + settings.train.micro_batch_size - 1) /
                settings.train.micro_batch_size),
        mine_(parallel::leaves_of_rank(leaves_, parts.group.rank(), parts.group.size())),
        most_leaves_((leaves_ + parts.group.size() - 1) / parts.group.size()),
        waited_before_(parts.model.frozen().waited_s().value_or(0)),
        buffers_([&parameters = parts.parameters] { return parameters.new_gradient(); }),
        exchange_(parts.gradients) {}

  std::int64_t total_steps() const { return total_steps_; }

  /// Forward and backward over this rank's micro batches, and the ordered sum: what a step would do.
  std::pair<StepRecord, at::Tensor> gradient_of_step(std::int64_t index) {
    Stopwatch watch;
    StepRecord record{.step = index + 1,
                      .total_steps = total_steps_,
                      .lr = optim::learning_rate(settings_.scheduler, settings_.optimizer.lr, index, total_steps_)};
    const std::vector<data::Row>& rows = order_.rows_of_step(index);
    const data::RowTotals totals = data::totals_of(
        parts_.training, rows, [this](std::int64_t length) { return parts_.model.attention_pairs(length); });
    const auto weight = static_cast<double>(parts_.objective.weight(totals));
    PST_ASSERT(weight > 0, "prepare keeps no document without a label");
    record.rows = static_cast<std::int64_t>(rows.size());
    record.tokens = totals.tokens;
    record.labelled_tokens = totals.labelled;
    record.attention_pairs = totals.attention_pairs;
    watch.into(record.data_s, "data");

    std::vector<double> losses(static_cast<std::size_t>(leaves_), 0.0);  // summed loss of each micro batch
    std::vector<double> balances(losses.size(), 0.0);
    const auto micro_batches =
        static_cast<double>((record.rows + settings_.train.micro_batch_size - 1) / settings_.train.micro_batch_size);
    const Rng random = Rng(settings_.train.seed).child("step").child(static_cast<std::uint64_t>(index));
    const auto add_leaf = [&](std::int64_t leaf, const at::Tensor& gradient) {
      const auto batch = micro_batch(parts_.training, rows, leaf, settings_.train.micro_batch_size,
                                     parts_.model.vocabulary(), parts_.parameters.device());
      watch.into(record.data_s, "data");
      if (!batch) {  // an epoch's last step may have fewer rows: its missing leaves count as zeros
        idle_pass();
        watch.into(record.waiting_s, "waiting");
        return;
      }
      parts_.parameters.accumulate_into(gradient);
      nn::Pass pass{.training = true, .random = random.child(static_cast<std::uint64_t>(leaf))};
      if (settings_.balance > 0) pass.balance = std::make_shared<nn::Balance>(settings_.balance / micro_batches);
      const objective::Scorer scorer(parts_.model, pass, settings_.recompute, [&] {
        watch.into(record.forward_s, "forward");
        record.forward_s -= weights_waited(record);
      });
      losses[static_cast<std::size_t>(leaf)] = parts_.objective.backward(scorer, *batch, 1 / weight);
      if (pass.balance) balances[static_cast<std::size_t>(leaf)] = pass.balance->value();
      watch.into(record.backward_s, "backward");
      record.backward_s -= weights_waited(record);
    };
    const at::Tensor gradient = parallel::sum_of_leaves(mine_.begin, mine_.size(), buffers_, add_leaf);
    watch.into(record.backward_s, "backward");
    for (std::int64_t i = mine_.size(); i < most_leaves_; ++i) idle_pass();
    watch.into(record.waiting_s, "waiting");
    waited_before_ = parts_.model.frozen().waited_s().value_or(0);

    // The losses first: few bytes, so the time is that of waiting for the slowest rank; and then the gradients find
    // everybody there, so theirs is that of the transfer. The split costs no message more.
    record.loss = sum_over_ranks(parts_.group, losses) / weight;
    if (settings_.balance > 0) record.balance_loss = sum_over_ranks(parts_.group, balances) / micro_batches;
    watch.into(record.waiting_s, "waiting");
    if (parts_.shares.ranks() > 1) {
      record.grad_norm = std::sqrt(parallel::sum_into_shares(gradient, parts_.shares, exchange_, parts_.group));
      watch.into(record.transfer_s, "transfer");
    } else {
      parallel::ordered_all_reduce(gradient, exchange_);
      if (parts_.hook) parts_.hook->add_to(gradient);
      watch.into(record.transfer_s, "transfer");
      record.grad_norm = std::sqrt(kernels::sum_of_squares(ops::exec_of(gradient), ops::view_of(gradient)));
      watch.into(record.optimizer_s, "optimizer");
    }
    return {record, gradient};
  }

  /// Clips, updates. @param update  which one of the optimizer's this is, from 1
  void apply(StepRecord& record, const at::Tensor& gradient, std::int64_t update) {
    Stopwatch watch;
    const double limit = settings_.train.max_grad_norm;
    const double factor =
        limit > 0 ? std::min(1.0, limit / (record.grad_norm + 1e-6)) : 1.0;  // torch's clip_grad_norm_
    nn::ParameterSet& parameters = parts_.parameters;
    parts_.optimizer.update(parameters, gradient, {.lr = record.lr, .number = update, .gradient_factor = factor});
    if (parts_.hook) parts_.hook->after_update(record.step, total_steps_, gradient, factor);
    parts_.kept.follow(update);
    parameters.refresh_compute();
    watch.into(record.optimizer_s, "optimizer");
    if (parts_.shares.ranks() > 1) {
      parallel::gather_shares(parameters.flat_compute(), parts_.shares, exchange_);
      watch.into(record.transfer_s, "transfer");
    }
  }

  /// Of what the run would result in now: an average of what is trained, where there is one.
  EvalRecord evaluate_now(const TrainState& state) {
    EvalRecord record;
    if (state.updates > 0) exchange_averaged();
    parts_.kept.evaluated(exchange_, [&] {
      record = evaluate(parts_.model, parts_.objective, parts_.parameters.device(), *parts_.validation, parts_.group,
                        settings_, state.step);
    });
    if (state.updates > 0) exchange_averaged();
    return record;
  }
  void keep_best() { parts_.kept.keep_best(); }
  void become_result() { parts_.kept.become_result(exchange_); }

  void give_back(const at::Tensor& gradient) { buffers_.give_back(gradient); }

 private:
  /// Exchanges what is trained with the optimizer's average of it, where that has one.
  void exchange_averaged() {
    if (!parts_.optimizer.averages()) return;
    nn::ParameterSet& parameters = parts_.parameters;
    parts_.optimizer.exchange_averaged(parameters);
    parameters.refresh_compute();
    if (parts_.shares.ranks() > 1) parallel::gather_shares(parameters.flat_compute(), parts_.shares, exchange_);
  }

  /// Takes part in a micro batch of other ranks, where that needs all: forward and backward over one token, whose
  /// gradient, zero, is thrown away.
  void idle_pass() {
    if (parts_.model.frozen().always_there()) return;
    const at::Tensor scratch = buffers_.take();
    parts_.parameters.accumulate_into(scratch);
    const nn::Batch batch = placeholder_batch(parts_.model.vocabulary(), parts_.parameters.device());
    parts_.objective.backward({parts_.model, {}, settings_.recompute}, batch, 0);
    buffers_.give_back(scratch);
  }

  /// Seconds since the last call that were spent waiting for frozen weights; they are counted as waiting. Where that is
  /// not measured they stay in the forward and backward pass, as the Journal's header says.
  double weights_waited(StepRecord& record) {
    const double now = parts_.model.frozen().waited_s().value_or(0);
    const double waited = now - std::exchange(waited_before_, now);
    record.waiting_s += waited;
    return waited;
  }

  const Parts& parts_;
  const Settings& settings_;
  data::DataOrder order_;
  std::int64_t total_steps_;
  std::int64_t leaves_;  // micro batches of a full step
  parallel::Range mine_;
  std::int64_t most_leaves_;  // that any rank has
  double waited_before_ = 0;
  parallel::GradientBuffers buffers_;
  parallel::ExchangeBuffers exchange_;
};

}  // namespace

TrainState fit(const Parts& parts, const Settings& settings, TrainState state) {
  Loop loop(parts, settings);
  Guard guard(settings.guard, state.guard);
  const recipe::EarlyStopping& stopping = settings.train.early_stopping;
  const bool judges_best = stopping.patience || recipe::keeps_best(settings.train);
  if (judges_best && parts.validation == nullptr)
    throw Error(Fault::data, "the run is to be judged by its validation loss, and no example was held out",
                "raise data.validation_fraction, name files in data.validation, or train without "
                "train.early_stopping and train.load_best_model_at_end");
  const auto evaluate_now = [&] {
    if (parts.validation == nullptr) return;
    const EvalRecord record = loop.evaluate_now(state);
    parts.observer.on_eval(record);
    state.validation_after = record.loss;
    state.evaluated_at = state.step;
    state.validation_best = std::min(record.loss, state.validation_best.value_or(record.loss));
    if (state.step == 0) {
      state.validation_before = record.loss;
    } else if (judges_best && state.best.take(record.loss, state.step, stopping.threshold)) {
      loop.keep_best();
    }
  };
  // The loss has the same bits on every rank, so all of them stop, or none.
  const auto stops_early = [&] {
    return stopping.patience && state.best.misses >= *stopping.patience && state.step < loop.total_steps();
  };

  parts.optimizer.set_averaging({state.average_weight, state.largest_lr});
  if (state.step == 0) evaluate_now();
  while (state.step < loop.total_steps() && !stops_early()) {
    const trace::Telling telling(parts.observer.trace_of_step(state.step + 1));
    const trace::Scope step_span(trace::Kind::step, "step");
    trace::Laps laps;
    const double began = monotonic_seconds();
    const double saving_s = parts.saver.edge(state);
    laps.lap("edge");
    const double met_s = monotonic_seconds() - began - saving_s;  // all ranks meet there
    auto [record, gradient] = loop.gradient_of_step(state.step);
    record.checkpoint_s = saving_s;
    record.waiting_s += met_s;
    if (const auto finding = guard.judge(record.loss, record.grad_norm)) {
      parts.observer.on_finding(record.step, *finding);
      if (finding->action == recipe::GuardAction::stop)
        throw Error(Fault::data, cat("step ", record.step, ": ", finding->what), finding->remedy);
      record.skipped = finding->action != recipe::GuardAction::warn;
      if (finding->action == recipe::GuardAction::rollback) {
        Stopwatch watch;
        parts.saver.settle();
        const TrainState before = std::exchange(state, parts.restore_newest());
        state.tokens = before.tokens;  // this data was used up; the parameters are those of the checkpoint
        state.seconds = before.seconds;
        parts.optimizer.set_averaging({state.average_weight, state.largest_lr});
        state.guard.passed_over = before.guard.passed_over;
        guard = Guard(settings.guard, state.guard);
        watch.into(record.checkpoint_s, "checkpoint");
      }
    }
    {
      trace::Laps room;
      record.checkpoint_s += parts.saver.make_room(record.step);
      room.lap("checkpoint");
    }
    state.step = record.step;
    if (record.skipped) {
      guard.pass_over();
      state.guard = guard.state();
    } else {
      loop.apply(record, gradient, ++state.updates);
      state.average_weight = parts.optimizer.averaging().weight_sum;
      state.largest_lr = parts.optimizer.averaging().largest_lr;
      guard.accept(record.loss, record.grad_norm);
      state.guard = guard.state();
      state.last_loss = record.loss;
      state.tokens += record.tokens;
    }
    loop.give_back(gradient);
    record.step_s = monotonic_seconds() - began;
    record.other_s = record.step_s - (record.data_s + record.forward_s + record.backward_s + record.waiting_s +
                                      record.transfer_s + record.optimizer_s + record.checkpoint_s);
    parts.observer.on_step(record);
    const bool due = settings.evaluate.every_steps && state.step % *settings.evaluate.every_steps == 0;
    if (due || state.step == loop.total_steps()) {
      trace::Laps evaluation;
      evaluate_now();
      evaluation.lap("evaluation");
    }
    state.seconds += monotonic_seconds() - began;
  }
  if (state.updates == 0)
    throw Error(
        Fault::data, cat("nothing was learned: the guard left out all ", state.step, " steps"),
        "`peft-studio report` says what each step's loss and gradient norm were; train with guard.not_finite and "
        "guard.spike at warn to see where it leads, lower optimizer.lr, or look at the data");
  if (stops_early()) {
    state.ended_early = state.best.why_stop(stopping.threshold);
    parts.observer.on_early_stop(state);
  }
  parts.saver.finish(state);
  loop.become_result();
  return state;
}

}  // namespace pst::train
