// SPDX-License-Identifier: Apache-2.0
#include "app/resolve_auto.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "app/this_machine.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "plan/choose_strategy.hpp"
#include "plan/resolve.hpp"
#include "recipe/changes.hpp"

namespace pst::app {
namespace {

Decision decide_device(const DeviceTaken& device) {
  if (!device.gpu) return {"train.device", "cpu", device.reason};
  const CudaDevice& facts = device.gpu->facts;
  return {"train.device", "cuda",
          cat(device.reason, ": ", facts.name, ", ", human_bytes(static_cast<std::uint64_t>(facts.memory_bytes)),
              ", compute capability ", facts.major, ".", facts.minor)};
}

Decision decide_precision(const recipe::Train& train, bool on_gpu, bool& bf16) {
  switch (train.precision) {
    case recipe::Precision::fp32: bf16 = false; return {"train.precision", "fp32", "given"};
    case recipe::Precision::bf16: bf16 = true; return {"train.precision", "bf16", "given"};
    case recipe::Precision::automatic: break;
  }
  bf16 = on_gpu || has_fast_bf16();
  if (on_gpu) return {"train.precision", "bf16", "the GPU multiplies bf16 natively"};
  return {
      "train.precision", bf16 ? "bf16" : "fp32",
      bf16 ? "this CPU multiplies bf16 natively" : "this CPU has neither avx512_bf16 nor AMX: bf16 would be slower"};
}

/// What of a model a rank keeps, and what memory it has for that.
struct Footprint {
  double base = 0;    ///< of the whole frozen base
  double beside = 0;  ///< at least, beside it
  double memory = 0;  ///< of a rank
  std::int64_t ranks = 1, ranks_here = 1;
};

Decision decide_recompute(const recipe::Recipe& recipe, const families::ModelSpec& config, bool bf16,
                          const Footprint& rank, plan::Placement placement, std::optional<int> ran_out,
                          nn::Recompute& recompute) {
  switch (recipe.train.gradient_checkpointing) {
    case recipe::Switch::on:
      recompute = nn::Recompute::layers;
      return {"train.gradient_checkpointing", "true", "given"};
    case recipe::Switch::off:
      recompute = nn::Recompute::nothing;
      return {"train.gradient_checkpointing", "false", "given"};
    case recipe::Switch::automatic: break;
  }
  const auto tokens = std::int64_t{recipe.data.max_length} * recipe.train.micro_batch_size;
  const auto needed = static_cast<std::uint64_t>(
      plan::activation_bytes_per_token(config, bf16 ? plan::Dtype::bf16 : plan::Dtype::f32) * tokens);
  const double base = plan::base_of_rank(rank.base, placement, rank.ranks, rank.ranks_here);
  if (ran_out) {
    recompute = nn::Recompute::layers;
    return {"train.gradient_checkpointing", "true", cat("attempt ", *ran_out, " ran out of memory without it")};
  }
  const bool tight = plan::should_recompute(static_cast<double>(needed), rank.memory, base);
  recompute = tight ? nn::Recompute::layers : nn::Recompute::nothing;
  return {"train.gradient_checkpointing", tight ? "true" : "false",
          cat("a micro batch of ", tokens, " tokens keeps up to ", human_bytes(needed), " for backward, this rank has ",
              human_bytes(static_cast<std::uint64_t>(rank.memory)), " and its part of the base takes ",
              human_bytes(static_cast<std::uint64_t>(base)))};
}

Decision decide_threads(const recipe::Train& train, int ranks_here, int& threads) {
  if (train.threads) {
    threads = *train.threads;
    return {"train.threads", cat(threads), "given"};
  }
  // Slurm's count, not the affinity mask: a site without task binding lets every rank see all cores of the node.
  for (const auto& [name, ranks] :
       {std::pair{"SLURM_CPUS_PER_TASK", 1}, {"SLURM_CPUS_ON_NODE", std::max(1, ranks_here)}}) {
    const char* const text = std::getenv(name);
    const auto cpus = to_int(text == nullptr ? "" : text);
    if (!cpus || *cpus <= 0) continue;
    threads = static_cast<int>(std::clamp<std::int64_t>(*cpus / ranks, 1, 256));
    return {"train.threads", cat(threads), cat("what Slurm gave each rank (", name, ")")};
  }
  threads = std::max(1, usable_cores() / std::max(1, ranks_here));
  return {"train.threads", cat(threads), cat(usable_cores(), " cores for ", ranks_here, " ranks")};
}

plan::Placement placement_of(recipe::Strategy strategy) {
  switch (strategy) {
    case recipe::Strategy::shard: return plan::Placement::shard;
    case recipe::Strategy::hybrid: return plan::Placement::hybrid;
    case recipe::Strategy::automatic:
    case recipe::Strategy::replicate: break;
  }
  return plan::Placement::replicate;
}

Decision decide_strategy(const recipe::Recipe& recipe, const Footprint& rank, bool on_gpu, recipe::Strategy& strategy) {
  const char* const key = "parallel.strategy";
  const auto word = [](recipe::Strategy value) {
    const auto words = recipe::words_of(value);
    return std::string(
        std::find_if(words.begin(), words.end(), [&](const auto& w) { return w.second == value; })->first);
  };
  strategy = recipe.parallel.strategy;
  if (strategy != recipe::Strategy::automatic) return {key, word(strategy), "given"};
  const plan::Placed placed = plan::place_base(rank.base, rank.beside, rank.memory, rank.ranks, rank.ranks_here,
                                               on_gpu ? DeviceKind::cuda : DeviceKind::cpu);
  switch (placed.placement) {
    case plan::Placement::replicate: strategy = recipe::Strategy::replicate; break;
    case plan::Placement::shard: strategy = recipe::Strategy::shard; break;
    case plan::Placement::hybrid: strategy = recipe::Strategy::hybrid; break;
  }
  return {key, word(strategy), placed.reason};
}

}  // namespace

Resolved resolve(const recipe::Recipe& recipe, const families::ModelSpec& config, comm::Communicator& world,
                 int ranks_here, const DeviceTaken& device, std::optional<int> ran_out) {
  const std::optional<ops::Gpu>& gpu = device.gpu;
  Resolved resolved;
  if (gpu) resolved.device = gpu->device;
  bool bf16 = false;
  resolved.decisions.push_back(decide_device(device));
  resolved.decisions.push_back(decide_precision(recipe.train, gpu.has_value(), bf16));
  resolved.decisions.push_back(decide_threads(recipe.train, ranks_here, resolved.threads));
  const auto here = std::max(1, ranks_here);
  const auto model = plan::shape_of(config, recipe.adapter, recipe.data.max_length, recipe.model.quantization);
  const plan::Dtype dtype = bf16 ? plan::Dtype::bf16 : plan::Dtype::f32;
  const double tokens = static_cast<double>(recipe.data.max_length) * recipe.train.micro_batch_size;
  const Footprint rank{.base = model.frozen_bytes(dtype),
                       .beside = plan::beside_base(config, dtype, tokens, static_cast<double>(model.trainable)),
                       .memory = gpu ? static_cast<double>(gpu->facts.memory_bytes)
                                     : static_cast<double>(available_memory_bytes()) / here,
                       .ranks = world.size(),
                       .ranks_here = here};
  resolved.decisions.push_back(decide_strategy(recipe, rank, gpu.has_value(), resolved.strategy));
  resolved.decisions.push_back(
      decide_recompute(recipe, config, bf16, rank, placement_of(resolved.strategy), ran_out, resolved.recompute));

  std::array<std::int32_t, 4> agreed = {bf16 ? 1 : 0, resolved.recompute == nn::Recompute::layers ? 1 : 0,
                                        resolved.threads, static_cast<std::int32_t>(resolved.strategy)};
  world.broadcast(view_of(std::span<std::int32_t>(agreed)), 0);
  resolved.bf16 = agreed[0] != 0;
  resolved.recompute = agreed[1] != 0 ? nn::Recompute::layers : nn::Recompute::nothing;
  resolved.threads = agreed[2];
  resolved.strategy = static_cast<recipe::Strategy>(agreed[3]);
  return resolved;
}

std::map<std::string, std::string> keys_that_alter(const recipe::Recipe& recipe, const Resolved& resolved) {
  auto keys = recipe::keys_that_alter(recipe);
  keys["train.precision"] = resolved.bf16 ? "bf16" : "fp32";
  if (resolved.device.is_cuda()) keys["train.device"] = "cuda";  // its products round otherwise
  return keys;
}

}  // namespace pst::app
