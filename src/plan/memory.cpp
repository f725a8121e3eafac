// SPDX-License-Identifier: Apache-2.0
#include "plan/memory.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <span>
#include <tuple>

#include "comm/exchange_piece.hpp"
#include "kernels/adamw/flat_array.hpp"
#include "kernels/attention/cudnn_shape.hpp"
#include "kernels/cross_entropy/chunk_rows.hpp"
#include "kernels/matmul/onednn.hpp"
#include "kernels/reduce/tree.hpp"

// What src/train, src/nn, src/ops and src/peft keep and when: tests/unit/train/planned_memory_test.cpp compares.
namespace pst::plan {
namespace {

using families::Reads;

/// What backward holds besides what forward kept, in its widest moment: at the down projection, when its input's
/// gradient is made (f32: base and sum are two arrays; bf16 adds in place), or just after, when both of gate and up
/// are; with experts, where the rows that each token sends them are put together again.
double workspace_bytes(const ModelShape& m, double tokens, double b) {
  const double d = static_cast<double>(m.hidden);
  std::int64_t most_chosen = 0;
  for (const auto& layer : m.layers) most_chosen = std::max(most_chosen, layer.routed.chosen);
  const double wide = std::max(2 * static_cast<double>(m.widest_inner()), 3 * static_cast<double>(most_chosen) * d);
  return tokens * b * (wide + 2 * d);
}

/// What cuDNN's attention works in: where a micro batch is one document that it takes.
double scores_bytes(const ModelShape& m, const MicroBatch& batch, Dtype dtype) {
  if (batch.lengths.size() != 1 || dtype != Dtype::bf16) return 0;
  double most = 0;
  for (const auto& layer : m.layers) {
    const AttentionShape& a = layer.attention;
    if (a.query_heads == 0 || (a.window && *a.window < batch.tokens)) continue;
    if (kernels::cudnn_takes(batch.tokens, a.query_heads, a.key_value_heads, a.head_dim))
      most = std::max(most, static_cast<double>(kernels::cudnn_scores_bytes(batch.tokens, a.query_heads)));
  }
  return most;
}

/// Kernels that oneDNN keeps, as many as it may where a router gives experts other numbers of rows all the time. Those
/// that it lets go of leave holes, which take a quarter as much.
double kept_kernels(const MemoryInputs& in, Dtype dtype) {
  const bool routed =
      std::any_of(in.model.layers.begin(), in.model.layers.end(), [](const auto& l) { return !l.experts.empty(); });
  const std::int64_t met = products_of(in.model, dtype, in.dropout) * in.token_counts;
  const auto most = static_cast<double>(kernels::kOnednnKernels);
  if (routed) return most;
  return met <= kernels::kOnednnKernels ? static_cast<double>(met) : 1.25 * most;
}

}  // namespace

const char* name_of(Placement placement) {
  switch (placement) {
    case Placement::replicate: return "replicate";
    case Placement::shard: return "shard";
    case Placement::hybrid: return "hybrid";
  }
  return "replicate";
}

std::int64_t head_chunk_rows(std::int64_t vocabulary, Dtype dtype, DeviceKind device) {
  return kernels::chunk_rows(vocabulary, value_bytes(dtype), device);
}

double kept_bytes(const LayerShape& layer, double tokens, Dtype dtype) {
  // Queries, keys, values and the mixed heads; gate and up.
  double values = 2 * static_cast<double>(layer.attention.query()) +
                  2 * static_cast<double>(layer.attention.key_value()) +
                  (layer.gated ? 2 : 1) * static_cast<double>(layer.inner) + static_cast<double>(layer.kept);
  // An adapter keeps its input, which neighbours share; the mixed heads are kept already.
  bool attention_input_kept = false;
  for (const auto& group : layer.by_input()) {
    const bool adapted = std::any_of(group.begin(), group.end(), [](const LinearShape& l) { return l.keeps_input; });
    const Reads reads = group.front().reads;
    if (!adapted || reads == Reads::mixed) continue;
    if (reads == Reads::mlp_input && layer.one_input && attention_input_kept) continue;
    attention_input_kept = attention_input_kept || reads == Reads::attention_input;
    values += static_cast<double>(group.front().in);
  }
  for (const auto& linear : layer.linears) values += static_cast<double>(linear.kept_values);
  for (const auto& expert : layer.experts)
    if (expert.adapted)
      values += layer.taken * static_cast<double>(expert.kept_values + (expert.keeps_input ? expert.in : 0));
  const double f32_values = static_cast<double>(layer.attention.query_heads + layer.kept_f32);  // log-sum-exp
  return tokens * (values * static_cast<double>(value_bytes(dtype)) + 4 * f32_values);
}

std::int64_t products_of(const ModelShape& model, Dtype dtype, bool dropout) {
  enum Form { nt, nt_plus, nn, nn_plus, tn };
  std::set<std::tuple<Form, std::int64_t, std::int64_t>> kinds;
  const auto one_input = [&](std::span<const LinearShape> layers) {  // as peft computes them together
    std::int64_t ranks = 0;
    for (const auto& layer : layers) {
      const std::int64_t in = layer.in, out = layer.out, rank = layer.rank;
      ranks += rank;
      kinds.insert({rank > 0 ? nt_plus : nt, in, out});
      kinds.insert({rank > 0 ? nn_plus : nn, out, in});
      if (rank == 0) continue;
      kinds.insert({nt, rank, out});
      kinds.insert({nn, out, rank});
      if (dtype == Dtype::bf16 || kernels::onednn_multiplies_tn(out, rank)) kinds.insert({tn, out, rank});
    }
    if (ranks == 0) return;
    const std::int64_t in = layers.front().in;
    kinds.insert({nt, in, ranks});
    kinds.insert({nn, ranks, in});
    if (dtype == Dtype::bf16 || kernels::onednn_multiplies_tn(ranks, in)) kinds.insert({tn, ranks, in});
  };
  for (const auto& layer : model.layers) {
    for (const auto& group : layer.by_input()) {
      const auto alike = [&](const LinearShape& shape) { return shape.rank == group.front().rank; };
      if (!dropout && std::all_of(group.begin(), group.end(), alike)) {
        one_input(group);
      } else {
        for (std::size_t i = 0; i < group.size(); ++i) one_input(group.subspan(i, 1));
      }
    }
  }
  return static_cast<std::int64_t>(kinds.size()) + 2;  // the head
}

StateBytes state_bytes(const recipe::Optimizer& optimizer, const ModelShape& model) {
  StateBytes bytes;
  for (const TrainedShape& trained : model.trained) {
    double kept = 0, stored = 0;
    for (const recipe::StateArray& array : recipe::state_of(optimizer, trained.shape)) {
      const std::int64_t values = recipe::values_of(array);
      const auto each = static_cast<double>(size_of(array.dtype));
      kept += each * static_cast<double>(kernels::flat_places(values));
      stored += each * static_cast<double>(values);
    }
    bytes.kept += kept * static_cast<double>(trained.count);
    bytes.stored += stored * static_cast<double>(trained.count);
    bytes.largest = std::max(bytes.largest, kept);
  }
  return bytes;
}

Memory memory_of(const MemoryInputs& in, const Choice& choice) {
  const ModelShape& m = in.model;
  const double b = static_cast<double>(value_bytes(choice.dtype));
  const double tokens = static_cast<double>(in.largest.tokens) +
                        static_cast<double>(m.virtual_rows) * static_cast<double>(in.largest.lengths.size());
  const double d = static_cast<double>(m.hidden), adapter = 4 * static_cast<double>(m.trainable_padded);
  Memory memory;
  memory.libraries = in.baseline_bytes;
  memory.kernels = in.product_bytes * kept_kernels(in, choice.dtype);
  const double base = m.frozen_bytes(choice.dtype);
  memory.weights = base + m.dequantised_bytes(choice.dtype) + 4 * static_cast<double>(m.positions * m.rotated);
  if (const auto sharers = static_cast<double>(choice.sharers()); sharers > 1) {
    // src/parallel/sharded_storage.cpp: a share of each block, two buffers for layers, one for the embedding or the
    // head.
    memory.weights +=
        base / sharers - base + 2 * m.largest_layer_bytes(choice.dtype) + b * static_cast<double>(m.end_values());
  }
  const auto updaters = static_cast<double>(choice.optimizer_sharers());
  memory.adapters = choice.dtype == Dtype::bf16 ? adapter / updaters + adapter / 2 : adapter;
  memory.adapters += 4 * static_cast<double>(m.projected);
  memory.gradients = adapter * kernels::tree_buffers((in.leaves + choice.ranks() - 1) / choice.ranks());
  const StateBytes state = state_bytes(in.optimizer, m);
  memory.optimizer =
      (state.kept + in.kept_arrays * adapter) / updaters + static_cast<double>(m.method_arrays) * adapter;
  if (updaters > 1 && recipe::cut_of(in.optimizer) == recipe::Cut::nowhere) memory.optimizer += state.largest;

  double widest = 0;
  for (const auto& layer : m.layers) {
    const double kept = kept_bytes(layer, tokens, choice.dtype);
    widest = std::max(widest, kept);
    memory.activations += static_cast<double>(layer.count) *
                          (choice.recompute ? static_cast<double>(layer.between) * tokens * d * b : kept);
  }
  // The hidden states that the head reads; their sum before a norm, or what a product narrows.
  memory.activations += (m.final_sum || m.narrow_head ? 2 : 1) * tokens * d * b;
  memory.activations += tokens * static_cast<double>(m.token_values) * b;  // as their norm reads them
  memory.workspace = workspace_bytes(m, tokens, b);
  if (choice.recompute) memory.workspace += widest + 2 * tokens * d * b;
  if (in.cudnn_attention) memory.workspace += scores_bytes(m, in.largest, choice.dtype);
  memory.workspace += 4 * static_cast<double>(m.matrices_made);
  if (in.dropout) memory.workspace += tokens * static_cast<double>(m.widest_inner()) * b;

  const double labelled = static_cast<double>(in.largest.labelled);
  const DeviceKind device = in.is_gpu ? DeviceKind::cuda : DeviceKind::cpu;
  const double chunk = std::min(labelled, static_cast<double>(head_chunk_rows(m.vocabulary, choice.dtype, device)));
  const double logits = m.logits.changes() ? 2 : 1;  // as the head gives them, and as they become
  memory.head = chunk * b * (logits * static_cast<double>(m.vocabulary) + 3 * d) + tokens * d * b;
  // oneDNN's backward product of the head copies its logits once; it is over when the layers' backward begins.
  if (in.copies_operands) memory.workspace = std::max(memory.workspace, chunk * b * static_cast<double>(m.vocabulary));
  if (choice.ranks() > 1) {  // two buffers
    const std::int64_t share = (m.trainable_padded + choice.ranks() - 1) / choice.ranks();
    memory.communication = 2.0 * 4 * static_cast<double>(comm::exchange_piece(share, choice.ranks()) * choice.ranks());
  }
  if (in.saves)
    memory.checkpoint = (4 * static_cast<double>(m.trainable) + state.stored) / static_cast<double>(choice.ranks());
  if (!in.is_gpu) memory.data = static_cast<double>(in.prepared_bytes);
  memory.loading = memory.libraries + memory.weights + memory.data;
  if (!in.is_gpu && m.frozen > 0)  // src/nn/frozen_storage.cpp lets go of a block of the files when it is packed
    memory.loading += static_cast<double>(in.weight_file_bytes) * static_cast<double>(m.largest_block_values()) /
                      static_cast<double>(m.frozen) / static_cast<double>(choice.sharers());
  return memory;
}

}  // namespace pst::plan
