// SPDX-License-Identifier: Apache-2.0
#include "plan/step_time.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <queue>

#include "kernels/attention/pieces.hpp"
#include "plan/memory.hpp"

namespace pst::plan {
namespace {

double real(std::int64_t value) { return static_cast<double>(value); }

/// An adapter without products multiplies once more over what the layer gives, and backward twice.
double adapter_passes(const Costs& costs, double n, const LinearShape& s) {
  return s.adapted && s.rank == 0 ? costs(Op::grad_add, {n * real(s.out)}) : 0;
}

double linear_forward(const Costs& costs, double n, const LinearShape& s) {
  return s.rank > 0 ? costs(Op::adapter_forward, {n, real(s.in), real(s.out), real(s.rank)})
                    : costs(Op::linear_forward, {n, real(s.in), real(s.out)}) + adapter_passes(costs, n, s);
}
double linear_backward(const Costs& costs, double n, const LinearShape& s) {
  return s.rank > 0 ? costs(Op::adapter_backward, {n, real(s.in), real(s.out), real(s.rank)})
                    : costs(Op::linear_backward, {n, real(s.in), real(s.out)}) + 2 * adapter_passes(costs, n, s);
}

/// What the form of a frozen matrix adds to its product with n rows on a GPU: numbers that are made of codes again; or,
/// with 8-bit floats where the GPU has them (src/quant), rows that are quantised and, backward, codes that are turned,
/// for a product that is faster. On CPUs: docs/plan.md.
double form_seconds(const Costs& costs, double n, const LinearShape& s, bool backward) {
  const double values = real(s.values()), product = 2 * n * values, in = real(s.in), out = real(s.out);
  constexpr double kNumber = 2, kCode = 1;  // bytes
  if (!s.kept.is_quantised()) return 0;
  if (lowbit::packing_of(s.kept.format).product == lowbit::Product::fp8)
    if (const double gain = costs.fp8_flops_s(product); gain != 0)
      return gain + costs.bytes_s((kNumber + kCode) * n * (backward ? out : in) + (backward ? 2 * kCode * values : 0));
  return costs.bytes_s(s.bytes(Dtype::bf16) + kNumber * values);
}

/// Which part of a document's pairs of rows a window leaves: all of the keys' blocks that it touches.
double share_within(const std::optional<std::int64_t>& window, std::int64_t length) {
  if (!window || *window >= length) return 1;
  constexpr std::int64_t kBlock = kernels::kAttentionBlockKeys;
  double outside = 0;  // each block that lies before the window of some rows is left out for those
  for (std::int64_t end = kBlock; end + *window <= length; end += kBlock)
    outside += real(kBlock) * real(length - end - *window + 1);
  return 1 - outside / (real(length) * real(length + 1) / 2);
}

/// What a layer does beside products and attention, forward or backward, without dropout.
double elementwise_seconds(const Costs& costs, const LayerShape& layer, double n, double d, bool backward) {
  const Op norm = backward ? Op::rms_norm_backward : Op::rms_norm_forward;
  const Op gated = backward ? Op::swiglu_backward : Op::swiglu_forward;
  const auto times = [&](std::int64_t count, Op op, double values) {
    return count > 0 && values > 0 ? real(count) * costs(op, {values}) : 0.0;
  };
  double seconds = times(layer.norms, norm, n * d) + times(1, norm, n * real(layer.head_norms)) +
                   times(1, Op::rope, n * real(layer.attention.query())) +
                   times(1, Op::rope, n * real(layer.attention.key_value())) +
                   times(1, Op::embed, n * real(layer.split));
  // Without a gate a third less is read and written.
  seconds += (layer.gated ? 1.0 : 2.0 / 3) * times(1, gated, n * real(layer.inner));
  if (layer.routed.count > 0) {
    const double slots = n * real(layer.routed.chosen);
    // Rows are sorted by expert, cut, put together, sorted back and summed.
    seconds += times(1, gated, slots * real(layer.routed.inner)) + times(4, Op::embed, slots * d) +
               costs(Op::linear_forward, {n, d, real(layer.routed.count)});
  }
  return seconds;
}

}  // namespace

StepTime& StepTime::operator+=(const StepTime& o) {
  forward += o.forward;
  backward += o.backward;
  recompute += o.recompute;
  attention += o.attention;
  elementwise += o.elementwise;
  head += o.head;
  gradient_sum += o.gradient_sum;
  optimizer += o.optimizer;
  kernels += o.kernels;
  communication += o.communication;
  waiting += o.waiting;
  return *this;
}

StepTime StepTime::scaled(double f) const {
  StepTime time = *this;
  for (double* const part :
       {&time.forward, &time.backward, &time.recompute, &time.attention, &time.elementwise, &time.head,
        &time.gradient_sum, &time.optimizer, &time.kernels, &time.communication, &time.waiting})
    *part *= f;
  return time;
}

double makespan(std::vector<double> seconds, int threads) {
  const double sum = std::accumulate(seconds.begin(), seconds.end(), 0.0);
  if (threads <= 1 || seconds.empty()) return sum;
  std::sort(seconds.begin(), seconds.end(), std::greater<>());
  std::priority_queue<double, std::vector<double>, std::greater<>> free_at;
  for (int t = 0; t < threads; ++t) free_at.push(0);
  double last = 0;
  for (const double task : seconds) {
    const double end = free_at.top() + task;
    free_at.pop();
    free_at.push(end);
    last = std::max(last, end);
  }
  return last;
}

MicroBatchTime::MicroBatchTime(const ModelShape& model, const Costs& costs, const Choice& choice, bool dropout)
    : model_(model), costs_(costs), choice_(choice), dropout_(dropout) {}

double MicroBatchTime::attention(const MicroBatch& batch, Op op) const {
  double seconds = 0;
  for (const auto& layer : model_.layers)
    if (layer.attention.query_heads > 0) seconds += real(layer.count) * attention(layer.attention, batch, op);
  return seconds;
}

double MicroBatchTime::attention(const AttentionShape& shape, const MicroBatch& batch, Op op) const {
  std::map<std::uint32_t, double> by_length;  // packed rows repeat lengths
  std::vector<double> tasks;
  for (const auto length : batch.lengths) {
    auto [known, fresh] = by_length.try_emplace(length, 0.0);
    if (fresh)
      known->second =
          costs_(op, {real(length), real(shape.head_dim), real(shape.groups())}) * share_within(shape.window, length);
    const auto cut = op == Op::attention_forward ? kernels::forward_cut(length, shape.groups())
                                                 : kernels::backward_cut(length, shape.groups());
    const std::int64_t pieces = (shape.groups() + cut.groups_each - 1) / cut.groups_each * cut.slices;
    tasks.insert(tasks.end(), static_cast<std::size_t>(shape.key_value_heads * pieces), known->second / real(pieces));
  }
  return makespan(std::move(tasks), costs_.measured() ? choice_.threads : 1);
}

StepTime MicroBatchTime::layers_forward(const MicroBatch& batch, bool dropout) const {
  const double n = real(batch.tokens), d = real(model_.hidden);
  StepTime time;
  for (const auto& layer : model_.layers) {
    const double count = real(layer.count);
    for (const auto& linear : layer.linears) {
      time.forward += count * (linear_forward(costs_, n, linear) + form_seconds(costs_, n, linear, false));
      if (dropout && linear.rank > 0) time.elementwise += count * costs_(Op::dropout, {n * real(linear.in)});
    }
    for (const auto& expert : layer.experts)
      time.forward += count * (linear_forward(costs_, n * layer.taken, expert) +
                               form_seconds(costs_, n * layer.taken, expert, false));
    time.elementwise += count * (elementwise_seconds(costs_, layer, n, d, false) + costs_.layer_overhead_s() / 3);
  }
  time.attention = attention(batch, Op::attention_forward);
  return time;
}

StepTime MicroBatchTime::operator()(const MicroBatch& batch) const {
  const double n = real(batch.tokens), d = real(model_.hidden);
  StepTime time = layers_forward(batch, dropout_);
  if (choice_.recompute) time.recompute = time.total();
  time.elementwise += costs_(Op::embed, {n * d}) + costs_(Op::rms_norm_forward, {n * d});

  for (const auto& layer : model_.layers) {
    const double count = real(layer.count);
    for (const auto& linear : layer.linears) {
      time.backward += count * (linear_backward(costs_, n, linear) + form_seconds(costs_, n, linear, true));
      if (dropout_ && linear.rank > 0) time.elementwise += 2 * count * costs_(Op::dropout, {n * real(linear.in)});
    }
    for (const auto& expert : layer.experts)
      time.backward += count * (linear_backward(costs_, n * layer.taken, expert) +
                                form_seconds(costs_, n * layer.taken, expert, true));
    // q, k and v meet in their input, gate and up in theirs: three additions.
    time.elementwise += count * (elementwise_seconds(costs_, layer, n, d, true) + 3 * costs_(Op::grad_add, {n * d}) +
                                 costs_.layer_overhead_s() * 2 / 3);
  }
  time.attention += attention(batch, Op::attention_backward);

  const auto chunk = std::min(batch.labelled, head_chunk_rows(model_.vocabulary, choice_.dtype, costs_.device()));
  const auto pass = [&](std::int64_t rows) {
    const double c = real(rows), v = real(model_.vocabulary);
    const double products = model_.head.rank > 0
                                ? linear_forward(costs_, c, model_.head) + linear_backward(costs_, c, model_.head)
                                : costs_(Op::head_forward, {c, d, v}) + costs_(Op::head_backward, {c, d, v});
    const double changed = model_.logits.cap > 0 ? 5 : model_.logits.changes() ? 2 : 0;
    return products + costs_(Op::cross_entropy, {c * v}) + 2 * costs_(Op::embed, {c * d}) +
           changed * costs_(Op::grad_add, {c * v});
  };
  if (chunk > 0) {
    time.head = real(batch.labelled / chunk) * pass(chunk);
    if (const auto rest = batch.labelled % chunk; rest > 0) time.head += pass(rest);
  }
  return time;
}

double MicroBatchTime::evaluation(const MicroBatch& batch) const {
  StepTime time = layers_forward(batch, false);
  const double c = real(std::min(batch.labelled, head_chunk_rows(model_.vocabulary, choice_.dtype, costs_.device())));
  const double d = real(model_.hidden), v = real(model_.vocabulary);
  if (c > 0)
    time.head = real(batch.labelled) / c * (costs_(Op::head_forward, {c, d, v}) + costs_(Op::cross_entropy, {c * v}));
  return time.total();
}

double all_reduce_seconds(const Machine& machine, const Costs& costs, const Choice& choice, double values) {
  if (choice.ranks() == 1) return 0;
  const auto* layout = machine.layout(choice.ranks_per_node, choice.threads);
  const bool measured = layout != nullptr && layout->ranks == choice.ranks_per_node && choice.nodes == 1 &&
                        layout->tables.count("all_reduce") != 0;
  if (measured) return costs(Op::all_reduce, {values});
  // All-to-all and all-gather: each rank sends its bytes once in each, (ranks - 1) / ranks of them to others.
  const Link link = choice.nodes > 1 ? machine.between.value_or(Link{20e-6, 10e9, "assumed"})
                                     : machine.inside.value_or(Link{2e-6, 5e9, "assumed"});
  const double ranks = real(choice.ranks());
  return 2 * ((ranks - 1) * link.latency_s + 4 * values * (ranks - 1) / ranks / link.bytes_per_s) +
         2 * costs(Op::tree_add, {values});
}

double gather_seconds(const Machine& machine, const ModelShape& model, const Choice& choice) {
  const double sharers = real(choice.sharers());
  if (sharers <= 1) return 0;
  const bool between = choice.placement == Placement::shard && choice.nodes > 1;
  const Link link = between ? machine.between.value_or(Link{20e-6, 10e9, "assumed"})
                            : machine.inside.value_or(Link{2e-6, 5e9, "assumed"});
  const double layers = real(model.layer_count());
  // Each layer forward and backward, but the last two, which are still there in between, and the first two, which are
  // at the next forward; the embedding, and the head.
  const double again = layers > 0 ? 2 * std::max(0.0, layers - 2) / layers : 0;
  const double bytes =
      (again * model.layer_bytes(choice.dtype) + 2 * real(model.end_values() * value_bytes(choice.dtype))) *
      (sharers - 1) / sharers;
  return bytes / link.bytes_per_s + (2 * layers + 2) * (sharers - 1) * link.latency_s;
}

}  // namespace pst::plan
