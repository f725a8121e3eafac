// SPDX-License-Identifier: Apache-2.0
#include "plan/prediction.hpp"

#include <algorithm>
#include <cmath>

#include "checkpoint/interval.hpp"
#include "core/strings.hpp"
#include "kernels/matmul/onednn.hpp"
#include "kernels/reduce/tree.hpp"
#include "methods/data_starts.hpp"
#include "plan/failures.hpp"
#include "plan/resolve.hpp"
#include "recipe/linear_layers.hpp"
#include "site/limits.hpp"

namespace pst::plan {
namespace {

double real(std::int64_t value) { return static_cast<double>(value); }

struct Steps {
  StepTime mean;
  std::vector<double> seconds;
};

/// The optimizer's part, which every step has.
StepTime update_time(const ModelShape& model, const Costs& costs, const Choice& choice, const recipe::Recipe& recipe) {
  const double sharers = real(choice.optimizer_sharers()), values = real(model.trainable_padded) / sharers;
  StepTime time;
  time.optimizer = costs(Op::sum_squares, {values}) + costs.update(recipe.optimizer, values);
  if (recipe.train.ema.decay) {  // src/train/kept_weights.cpp: three passes over two arrays
    constexpr double kValuesMoved = 8;
    time.optimizer += kValuesMoved / recipe::AdamW::kValuesMoved * costs(Op::adamw, {values});
  }
  if (choice.dtype == Dtype::bf16) time.optimizer += costs(Op::refresh, {values});
  return time;
}

/// Seconds that a micro batch spends, on average, on kernels for a number of tokens not met before, or forgotten since.
double kernels_time(const Inputs& in, const Choice& choice, const ModelShape& model) {
  const Layout* const layout = in.machine.layout(choice.ranks_per_node, choice.threads);
  if (layout == nullptr || in.work.steps == 0) return 0;
  constexpr std::int64_t kMost = 1 << 30;
  const std::int64_t counts = token_counts(in.work, choice.micro_batch, 1, kMost),
                     products = products_of(model, choice.dtype, model.dropout);
  std::int64_t batches = 0;
  for (const auto& step : in.work.sample)
    batches += (static_cast<std::int64_t>(step.size()) + choice.micro_batch - 1) / choice.micro_batch;
  const bool forgets = counts / choice.ranks() * products > kernels::kOnednnKernels;
  const double all =
      real(batches) * real(in.work.steps) / std::max<double>(1, static_cast<double>(in.work.sample.size()));
  plan::Work once = in.work;
  once.steps = static_cast<std::int64_t>(once.sample.size());
  const double fresh = forgets ? real(token_counts(once, choice.micro_batch, 1, kMost)) / std::max(1.0, real(batches))
                               : real(counts) / std::max(1.0, all);
  const double each = choice.dtype == Dtype::bf16 ? layout->product_s_bf16 : layout->product_s_f32;
  return std::min(1.0, fresh) * real(products) * each;
}

/// Each rank's micro batches one after the other; all wait for the slowest rank.
Steps steps_of(const Inputs& in, const Choice& choice, const ModelShape& model, const Costs& costs, std::size_t most) {
  const MicroBatchTime time_of(model, costs, choice, model.dropout);
  const double values = real(model.trainable_padded);
  const auto ranks = static_cast<std::size_t>(choice.ranks());
  std::vector<std::vector<MicroBatch>> steps;
  std::size_t count = 0;
  for (const auto& rows : in.work.sample) {
    steps.push_back(micro_batches(rows, choice.micro_batch));
    count += steps.back().size();
  }
  const std::size_t stride = std::max<std::size_t>(1, (count + most - 1) / std::max<std::size_t>(1, most));

  Steps out;
  const double kernels_s = kernels_time(in, choice, model), gather_s = gather_seconds(in.machine, model, choice);
  std::size_t number = 0;
  double largest = 0, counted = 0;
  for (const auto& step : steps) {
    std::vector<double> of_rank(ranks, 0.0);
    StepTime all;
    std::size_t used = 0;
    for (std::size_t leaf = 0; leaf < step.size(); ++leaf, ++number) {
      if (number % stride != 0) continue;
      const StepTime time = time_of(step[leaf]);
      // An epoch's last step may have fewer micro batches than there are ranks.
      const auto leaves = static_cast<std::int64_t>(std::max(step.size(), ranks));
      of_rank[static_cast<std::size_t>(
          kernels::rank_of_leaf(static_cast<std::int64_t>(leaf), leaves, choice.ranks()))] += time.total();
      largest = std::max(largest, time.total());
      all += time;
      ++used;
    }
    if (used == 0) continue;
    ++counted;
    const double per_rank = real(static_cast<std::int64_t>(step.size())) / real(static_cast<std::int64_t>(ranks));
    StepTime mean = all.scaled(per_rank / real(static_cast<std::int64_t>(used)));
    // Exactly when every micro batch was looked at; else from the spread of those that were.
    mean.kernels = per_rank * kernels_s;
    mean.waiting = stride == 1  ? std::max(0.0, *std::max_element(of_rank.begin(), of_rank.end()) - mean.total())
                   : ranks == 1 ? 0.0
                                : std::max(0.0, largest - all.total() / real(static_cast<std::int64_t>(used))) *
                                      std::sqrt(std::max(1.0, per_rank));
    mean.gradient_sum =
        std::max(0.0, per_rank - 1) * costs(Op::tree_add, {values}) + per_rank * costs(Op::zero, {values});
    mean += update_time(model, costs, choice, in.recipe);
    // Where parameters are updated in shares, bf16 copies go round in place of f32 sums: a quarter less in all.
    const bool copies_go_round = choice.optimizer_sharers() > 1 && choice.dtype == Dtype::bf16;
    mean.communication = (copies_go_round ? 0.75 : 1) * all_reduce_seconds(in.machine, costs, choice, values);
    // Behind the rank's own products as far as these last.
    const double computing = mean.total() - mean.communication - mean.waiting;
    mean.waiting += std::max(0.0, per_rank * gather_s - computing);
    out.seconds.push_back(mean.total());
    out.mean += mean;
  }
  if (counted > 0) out.mean = out.mean.scaled(1 / counted);
  return out;
}

/// Looking for the adapter's start in data. What is computed of the sums is not counted.
double study_time(const methods::StudyCost& study, const ModelShape& model, const Costs& costs, const Choice& choice,
                  const MicroBatch& batch) {
  if (study.passes == 0) return 0;
  const MicroBatchTime time_of(model, costs, choice, false);
  const double pass = study.back ? time_of(batch).total() : time_of.evaluation(batch);
  return real(study.passes) * pass / (study.by_rows ? real(choice.micro_batch) : 1);
}

/// The sums of such a start, beside the base and a pass over it.
double study_memory(const methods::StudyCost& study, const Memory& memory) {
  if (study.passes == 0) return 0;
  const double pass = memory.kernels + memory.workspace + (study.back ? memory.activations + memory.head : 0);
  return memory.libraries + memory.weights + memory.data + pass + real(study.bytes);
}

double evaluation_time(const Inputs& in, const Choice& choice, const ModelShape& model, const Costs& costs,
                       std::size_t most) {
  const MicroBatchTime time_of(model, costs, choice, false);
  const auto batches = micro_batches(in.work.validation, choice.micro_batch);
  const std::size_t stride = std::max<std::size_t>(1, batches.size() / std::max<std::size_t>(1, most));
  double sum = 0;
  std::size_t used = 0;
  for (std::size_t i = 0; i < batches.size(); i += stride, ++used) sum += time_of.evaluation(batches[i]);
  if (used == 0) return 0;
  return sum / real(static_cast<std::int64_t>(used)) *
         std::ceil(real(static_cast<std::int64_t>(batches.size())) / real(choice.ranks()));
}

/// The interval as the saver takes it, and what is lost to failures between two checkpoints.
Saving saving_of(const Inputs& in, const Prediction& p, const Costs& costs) {
  Saving saving;
  const auto& recipe = in.recipe.checkpoint;
  const double hours = in.site.node_mtbf_hours.value_or(checkpoint::kUsualNodeMtbfHours);
  saving.job_mtbf_s = hours * 3600 / p.choice.nodes;
  if (!recipe.enabled) {
    saving.reason = "checkpoint.enabled is false: a failure loses everything";
    return saving;
  }
  // The adapter, what is kept beside it, and the optimizer's state.
  saving.bytes = 4 * real(1 + kept_arrays(in.recipe.train)) * real(p.model.trainable) +
                 state_bytes(in.recipe.optimizer, p.model).stored;
  const double share = saving.bytes / 4 / real(p.choice.ranks());
  saving.snapshot_s = costs(Op::refresh, {std::max(1.0, share)});
  if (in.machine.disk) saving.write_s = saving.bytes / in.machine.disk->bytes_per_s + 3 * in.machine.disk->fsync_s;
  const double step = p.step.total();
  if (recipe.every_steps) {
    saving.interval_s = real(*recipe.every_steps) * step;
    saving.reason = cat("checkpoint.every_steps is ", *recipe.every_steps);
  } else if (recipe.every_minutes) {
    saving.interval_s = 60 * *recipe.every_minutes;
    saving.reason = cat("checkpoint.every_minutes is ", number(*recipe.every_minutes));
  } else {
    const checkpoint::Cost cost{.stall_s = saving.snapshot_s, .behind_s = saving.write_s};
    saving.interval_s = std::max(step, checkpoint::save_interval(cost, saving.job_mtbf_s));
    saving.reason = cat(checkpoint::interval_reason(cost, saving.job_mtbf_s), "; a failure every ",
                        human_seconds(saving.job_mtbf_s),
                        in.site.node_mtbf_hours ? " (as given)" : " (1,000 hours a node: assumed)");
  }
  saving.lost_share = saving.snapshot_s / std::max(saving.interval_s, step) +
                      lost_to_failure_s(saving.interval_s, saving.write_s, p.start_s) / saving.job_mtbf_s;
  return saving;
}

void count_costs(const Inputs& in, Prediction& p) {
  p.node_hours = p.expected_s / 3600 * p.choice.nodes;
  if (in.site.node_watts) p.kilowatt_hours = p.node_hours * *in.site.node_watts / 1000;
  if (in.site.price_per_node_hour) p.money = p.node_hours * *in.site.price_per_node_hour;
  auto walltime = in.site.walltime_s;
  if (const auto asked = recipe::slurm_seconds(in.recipe.slurm.time))
    walltime = std::min(walltime.value_or(1e300), real(*asked));
  if (!walltime) return;
  // A job spends its start, and the time between the warning and its end, on no step.
  const auto warning = site::warning_seconds(static_cast<std::int64_t>(*walltime), in.site.signal);
  const double useful = *walltime - p.start_s - warning.value_or(0);
  p.jobs = useful <= p.step.total()
               ? 0
               : static_cast<std::int64_t>(std::ceil(std::max(1.0, p.expected_s - p.start_s) / useful));
}

}  // namespace

Prediction predict(const Inputs& in, const Choice& choice, std::size_t most) {
  const auto* layout = in.machine.layout(choice.ranks_per_node, choice.threads);
  Prediction p{.choice = choice,
               .is_timed = in.machine.is_timed(),
               .model = shape_of(in.config, in.recipe.adapter, in.recipe.data.max_length, in.recipe.model.quantization),
               .largest = largest_micro_batch(in.work, choice.micro_batch),
               .machine_source = in.machine.source};
  const std::int64_t leaves = (in.recipe.train.global_batch_size + choice.micro_batch - 1) / choice.micro_batch;
  const double product_bytes = layout == nullptr             ? 0
                               : choice.dtype == Dtype::bf16 ? layout->product_bytes_bf16
                                                             : layout->product_bytes_f32;
  p.memory = memory_of({.model = p.model,
                        .largest = p.largest,
                        .leaves = leaves,
                        .baseline_bytes = layout != nullptr     ? static_cast<double>(layout->baseline_bytes)
                                          : in.machine.roofline ? in.machine.roofline->baseline_bytes
                                                                : kAssumedBaselineBytes,
                        .product_bytes = product_bytes,
                        // Where libtorch multiplies bf16 in loops of its own, nothing was made, and nothing is copied.
                        .copies_operands = !in.machine.is_gpu && (layout == nullptr || product_bytes > 0),
                        .token_counts = token_counts(in.work, choice.micro_batch, choice.ranks()),
                        .weight_file_bytes = in.weight_file_bytes,
                        .prepared_bytes = in.work.prepared_bytes,
                        .is_gpu = in.machine.is_gpu,
                        .cudnn_attention = in.machine.cudnn_attention,
                        .dropout = p.model.dropout,
                        .saves = in.recipe.checkpoint.enabled,
                        .optimizer = in.recipe.optimizer,
                        .kept_arrays = kept_arrays(in.recipe.train)},
                       choice);
  const methods::StudyCost study = methods::study_cost(in.recipe.adapter, recipe::places_of(in.config).linears);
  p.memory.loading = std::max(p.memory.loading, study_memory(study, p.memory));
  p.memory_limit = memory_limit(in, choice);
  p.fits = p.memory_limit == 0 || p.memory.peak() * kMemoryMargin <= p.memory_limit;

  if (!p.is_timed) return p;

  const Costs costs(in.machine, choice.ranks_per_node, choice.threads, choice.dtype);
  p.machine_source = costs.source();
  Steps steps = steps_of(in, choice, p.model, costs, most);
  p.step = steps.mean;
  p.sampled_s = std::move(steps.seconds);
  const double step = p.step.total();
  if (in.work.steps > 0 && step > 0) p.tokens_per_s = real(in.work.tokens) / real(in.work.steps) / step;

  p.start_s = (layout != nullptr ? layout->start_s : 30.0) +
              (layout != nullptr ? costs(Op::refresh, {real(p.model.frozen)}) : 0) +
              study_time(study, p.model, costs, choice, p.largest);
  p.evaluation_s = real(in.work.evaluations) * evaluation_time(in, choice, p.model, costs, most);
  p.saving = saving_of(in, p, costs);
  const double training = real(in.work.steps) * step;
  if (p.saving.interval_s > 0) p.checkpoint_s = training / std::max(p.saving.interval_s, step) * p.saving.snapshot_s;
  p.total_s = p.start_s + training + p.evaluation_s + p.checkpoint_s;
  p.expected_s = p.total_s * (1 + std::min(10.0, p.saving.lost_share));
  count_costs(in, p);
  return p;
}

}  // namespace pst::plan
