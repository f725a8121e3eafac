// SPDX-License-Identifier: Apache-2.0
#include "plan/alternatives.hpp"

#include <algorithm>
#include <set>
#include <tuple>

#include "core/strings.hpp"
#include "methods/method.hpp"

namespace pst::plan {
namespace {

constexpr std::size_t kMicroBatchesLookedAt = 24;  // of each: they are compared, not promised

std::vector<std::string> changes_between(const Choice& from, const Choice& to) {
  std::vector<std::string> changes;
  if (to.recompute != from.recompute)
    changes.push_back(cat("train.gradient_checkpointing=", to.recompute ? "true" : "false"));
  if (to.micro_batch != from.micro_batch) changes.push_back(cat("train.micro_batch_size=", to.micro_batch));
  if (to.dtype != from.dtype) changes.push_back(cat("train.precision=", to.dtype == Dtype::bf16 ? "bf16" : "fp32"));
  if (to.placement != from.placement) changes.push_back(cat("parallel.strategy=", name_of(to.placement)));
  if (to.optimizer_in_shares != from.optimizer_in_shares)
    changes.push_back(cat("parallel.optimizer=", to.optimizer_in_shares ? "shard" : "replicate"));
  if (to.nodes != from.nodes) changes.push_back(cat("slurm.nodes=", to.nodes));
  if (to.ranks_per_node != from.ranks_per_node) changes.push_back(cat("slurm.ranks_per_node=", to.ranks_per_node));
  return changes;
}

/// The recipe's own rule: whole micro batches, shared equally.
bool is_possible(const Inputs& in, const Choice& choice) {
  const std::int64_t global = in.recipe.train.global_batch_size;
  return choice.micro_batch >= 1 && global % choice.micro_batch == 0 &&
         global / choice.micro_batch % choice.ranks() == 0 &&
         !(choice.optimizer_in_shares && methods::is_whole_on_every_rank(in.recipe.adapter));
}

std::vector<int> micro_batches_to_try(const Inputs& in, const Choice& chosen) {
  std::set<int> sizes = {chosen.micro_batch};
  for (int size = 1; size <= std::min(in.recipe.train.global_batch_size, 64); size *= 2) sizes.insert(size);
  return {sizes.begin(), sizes.end()};
}

std::vector<int> nodes_to_try(const Inputs& in, const Choice& chosen) {
  std::set<int> nodes = {chosen.nodes};
  const std::int64_t most = in.recipe.train.global_batch_size;
  for (std::int64_t n = 1; n * chosen.ranks_per_node <= most && n <= 4096; n *= 2) nodes.insert(static_cast<int>(n));
  return {nodes.begin(), nodes.end()};
}

std::vector<Dtype> dtypes_to_try(const Inputs& in, const Choice& chosen) {
  if (in.recipe.train.precision != recipe::Precision::automatic) return {chosen.dtype};
  return {Dtype::f32, Dtype::bf16};
}

std::vector<Placement> placements_to_try(const Inputs& in, const Choice& chosen, int nodes) {
  if (in.machine.is_gpu || in.recipe.parallel.strategy != recipe::Strategy::automatic) return {chosen.placement};
  std::vector<Placement> all = {Placement::replicate};
  if (nodes * chosen.ranks_per_node > 1) all.push_back(Placement::shard);
  if (nodes > 1 && chosen.ranks_per_node > 1) all.push_back(Placement::hybrid);
  return all;
}

std::vector<Choice> combinations(const Inputs& in, const Choice& chosen, const std::vector<int>& nodes) {
  std::vector<Choice> choices;
  for (const int n : nodes)
    for (const int micro : micro_batches_to_try(in, chosen))
      for (const bool recompute : {false, true})
        for (const Dtype dtype : dtypes_to_try(in, chosen))
          for (const Placement placement : placements_to_try(in, chosen, n)) {
            Choice choice = chosen;
            choice.nodes = n;
            choice.micro_batch = micro;
            choice.recompute = recompute;
            choice.dtype = dtype;
            choice.placement = placement;
            if (is_possible(in, choice)) choices.push_back(choice);
          }
  return choices;
}

Alternative alternative(const Inputs& in, const Choice& chosen, const Choice& choice) {
  return {.prediction = predict(in, choice, kMicroBatchesLookedAt),
          .changes = changes_between(chosen, choice),
          .same_bits = choice.dtype == chosen.dtype};
}

}  // namespace

std::vector<Alternative> alternatives(const Inputs& in, const Choice& chosen, const std::vector<int>& nodes) {
  std::vector<Alternative> all;
  for (const Choice& choice : combinations(in, chosen, nodes.empty() ? nodes_to_try(in, chosen) : nodes))
    all.push_back(alternative(in, chosen, choice));
  const auto order = [](const Alternative& a) {
    return std::tuple(!a.prediction.fits, a.prediction.expected_s, a.prediction.node_hours, a.changes.size());
  };
  std::stable_sort(all.begin(), all.end(), [&](const auto& a, const auto& b) { return order(a) < order(b); });
  return all;
}

std::optional<Alternative> smallest_change(const Inputs& in, const Choice& chosen) {
  std::optional<Alternative> best;
  std::vector<Choice> choices = combinations(in, chosen, {chosen.nodes});
  const std::vector<Choice> with_all_ranks = choices;
  for (int ranks = chosen.ranks_per_node / 2; ranks >= 1 && !in.machine.is_gpu; ranks /= 2)
    for (Choice choice : with_all_ranks) {  // fewer ranks leave more memory to each
      choice.threads = choice.threads * chosen.ranks_per_node / ranks;
      choice.ranks_per_node = ranks;
      if (is_possible(in, choice)) choices.push_back(choice);
    }
  for (std::size_t i = 0, count = choices.size(); i < count; ++i) {
    Choice choice = choices[i];
    choice.optimizer_in_shares = true;
    if (choice.ranks() > 1 && !choices[i].optimizer_in_shares) choices.push_back(choice);
  }
  for (const Choice& choice : choices) {
    Alternative candidate = alternative(in, chosen, choice);
    if (!candidate.prediction.fits) continue;
    const auto order = [](const Alternative& a) {
      return std::tuple(a.changes.size(), !a.same_bits, a.prediction.expected_s);
    };
    if (!best || order(candidate) < order(*best)) best = std::move(candidate);
  }
  return best;
}

std::int64_t longest_that_fits(const Inputs& in, const Choice& chosen) {
  Inputs shorter = in;
  Choice choice = chosen;
  choice.micro_batch = 1;
  choice.recompute = true;
  std::int64_t low = 0, high = in.recipe.data.max_length;
  while (low < high) {
    const std::int64_t length = (low + high + 1) / 2;
    shorter.recipe.data.max_length = static_cast<int>(length);
    shorter.work.sample = {{{{static_cast<std::uint32_t>(length)}, length, length}}};
    shorter.work.steps = 1;
    if (predict(shorter, choice, 1).fits)
      low = length;
    else
      high = length - 1;
  }
  return low;
}

}  // namespace pst::plan
