// SPDX-License-Identifier: Apache-2.0
#include "plan/resolve.hpp"

#include <algorithm>

#include "core/strings.hpp"
#include "plan/choose_strategy.hpp"

namespace pst::plan {
namespace {

/// Slurm's "16000" is MiB, "16G" GiB.
std::optional<double> slurm_memory_bytes(const std::optional<std::string>& text) {
  if (!text || text->empty()) return std::nullopt;
  static const std::string kUnits = "KMGT";
  const auto unit = kUnits.find(text->back());
  const auto count = to_double(unit == std::string::npos ? *text : text->substr(0, text->size() - 1));
  if (!count || *count <= 0) return std::nullopt;  // 0 is Slurm's word for the whole node
  double bytes = *count * 1024;
  for (std::size_t i = 0; i < (unit == std::string::npos ? 1 : unit); ++i) bytes *= 1024;
  return bytes;
}

/// A plan is for the machine that it was asked for; where the recipe would use another one, that is said.
Decision decide_device(const Inputs& in) {
  const bool gpu = in.machine.is_gpu;
  std::string reason = cat("the machine planned for is a ", gpu ? "GPU" : "CPU");
  if (in.recipe.train.device == (gpu ? recipe::DeviceChoice::cpu : recipe::DeviceChoice::cuda))
    reason += cat(", though train.device is ", gpu ? "cpu" : "cuda", ": --machine names another one");
  return {"train.device", gpu ? "cuda" : "cpu", reason};
}

Decision decide_precision(const Inputs& in, Choice& choice) {
  switch (in.recipe.train.precision) {
    case recipe::Precision::fp32: choice.dtype = Dtype::f32; return {"train.precision", "fp32", "given"};
    case recipe::Precision::bf16: choice.dtype = Dtype::bf16; return {"train.precision", "bf16", "given"};
    case recipe::Precision::automatic: break;
  }
  choice.dtype = in.machine.fast_bf16 ? Dtype::bf16 : Dtype::f32;
  if (in.machine.layouts.empty() && !in.machine.roofline)
    return {"train.precision", "fp32",
            cat("assumed: whether ", in.machine.name, " multiplies bf16 natively was not measured")};
  return {
      "train.precision", in.machine.fast_bf16 ? "bf16" : "fp32",
      cat(in.machine.name, in.machine.fast_bf16 ? " multiplies bf16 natively" : " does not multiply bf16 natively")};
}

Decision decide_threads(const Inputs& in, Choice& choice) {
  if (in.machine.is_gpu) return {"train.threads", "auto", "a rank is one GPU"};
  if (in.recipe.train.threads) {
    choice.threads = *in.recipe.train.threads;
    return {"train.threads", cat(choice.threads), "given"};
  }
  if (in.recipe.slurm.cpus_per_rank) {
    choice.threads = *in.recipe.slurm.cpus_per_rank;
    return {"train.threads", cat(choice.threads), "slurm.cpus_per_rank"};
  }
  choice.threads = std::max(1, in.machine.cores / choice.ranks_per_node);
  return {"train.threads", cat(choice.threads), cat(in.machine.cores, " cores for ", choice.ranks_per_node, " ranks")};
}

/// Per token of one layer: two sums and two norms of the stream, q, k, v, the mixed heads, gate, up and their product.
std::int64_t kept_values(const families::ModelSpec& model, const families::LayerSpec& layer) {
  std::int64_t inner = layer.mlp.inner, again = 0;
  if (const auto& moe = layer.moe) {  // and the rows that experts give
    inner = moe->chosen * moe->inner + (moe->shared ? moe->shared->inner : 0);
    again = moe->chosen * model.hidden;
  }
  return 4 * model.hidden + 2 * layer.attention.query() + 2 * layer.attention.key_value() + 3 * inner + again;
}

/// Of the placement that was chosen.
double base_here(const Inputs& in, const Choice& choice) {
  const ModelShape model =
      shape_of(in.config, in.recipe.adapter, in.recipe.data.max_length, in.recipe.model.quantization);
  return base_of_rank(model.frozen_bytes(choice.dtype), choice.placement, choice.ranks(), choice.ranks_per_node);
}

Decision decide_recompute(const Inputs& in, Choice& choice) {
  const char* const key = "train.gradient_checkpointing";
  if (in.recipe.train.gradient_checkpointing != recipe::Switch::automatic) {
    choice.recompute = in.recipe.train.gradient_checkpointing == recipe::Switch::on;
    return {key, choice.recompute ? "true" : "false", "given"};
  }
  const double tokens = static_cast<double>(in.recipe.data.max_length) * in.recipe.train.micro_batch_size;
  const double needed = tokens * static_cast<double>(activation_bytes_per_token(in.config, choice.dtype));
  const double limit = memory_limit(in, choice);
  const double base = base_here(in, choice);
  choice.recompute = should_recompute(needed, limit, base);
  return {key, choice.recompute ? "true" : "false",
          limit > 0 ? cat("a micro batch of ", grouped(static_cast<std::int64_t>(tokens)), " tokens keeps up to ",
                          human_bytes(static_cast<std::uint64_t>(needed)), " for backward, a rank has ",
                          human_bytes(static_cast<std::uint64_t>(limit)), " and its part of the base takes ",
                          human_bytes(static_cast<std::uint64_t>(base)))
                    : std::string("the node's memory is not known")};
}

Decision decide_placement(const Inputs& in, Choice& choice) {
  const char* const key = "parallel.strategy";
  std::string reason = "given";
  switch (in.recipe.parallel.strategy) {
    case recipe::Strategy::replicate: choice.placement = Placement::replicate; break;
    case recipe::Strategy::shard: choice.placement = Placement::shard; break;
    case recipe::Strategy::hybrid: choice.placement = Placement::hybrid; break;
    case recipe::Strategy::automatic: {
      const ModelShape model =
          shape_of(in.config, in.recipe.adapter, in.recipe.data.max_length, in.recipe.model.quantization);
      const double tokens = static_cast<double>(in.recipe.data.max_length) * in.recipe.train.micro_batch_size;
      const Placed placed = place_base(
          model.frozen_bytes(choice.dtype),
          beside_base(in.config, choice.dtype, tokens, static_cast<double>(model.trainable)), memory_limit(in, choice),
          choice.ranks(), choice.ranks_per_node, in.machine.is_gpu ? DeviceKind::cuda : DeviceKind::cpu);
      choice.placement = placed.placement;
      reason = placed.reason;
      break;
    }
  }
  return {key, name_of(choice.placement), reason};
}

}  // namespace

double memory_limit(const Inputs& in, const Choice& choice) {
  if (in.machine.is_gpu) return static_cast<double>(in.machine.memory_bytes);
  double node = static_cast<double>(in.machine.memory_bytes);
  const auto lower = [&](double bytes) { node = node > 0 ? std::min(node, bytes) : bytes; };
  if (in.site.node_memory_bytes) lower(static_cast<double>(*in.site.node_memory_bytes));
  if (const auto asked = slurm_memory_bytes(in.recipe.slurm.mem)) lower(*asked);
  return node / choice.ranks_per_node;
}

std::int64_t activation_bytes_per_token(const families::ModelSpec& model, Dtype dtype) {
  std::int64_t values = 0;
  for (const auto& layer : model.layers) values += kept_values(model, layer);
  return values * value_bytes(dtype);
}

double beside_base(const families::ModelSpec& model, Dtype dtype, double tokens, double trainable) {
  constexpr double kLibraries = 1 << 30, kBytesPerTrainable = 16;  // master, gradient and two of AdamW's, in f32
  std::int64_t widest = 0;
  for (const auto& layer : model.layers) widest = std::max(widest, kept_values(model, layer));
  const auto inputs = 2 * model.hidden * static_cast<std::int64_t>(model.layers.size());
  return kLibraries + kBytesPerTrainable * trainable +
         tokens * static_cast<double>((inputs + 3 * widest) * value_bytes(dtype));
}

Choice choice_of(const Inputs& in, std::vector<Decision>& decisions) {
  Choice choice{.nodes = in.recipe.slurm.nodes,
                .ranks_per_node = in.recipe.slurm.ranks_per_node,
                .micro_batch = in.recipe.train.micro_batch_size,
                .optimizer_in_shares = in.recipe.parallel.optimizer == recipe::OptimizerState::shard};
  decisions.push_back(decide_device(in));
  decisions.push_back(decide_precision(in, choice));
  decisions.push_back(decide_threads(in, choice));
  decisions.push_back(decide_placement(in, choice));
  decisions.push_back(decide_recompute(in, choice));
  return choice;
}

}  // namespace pst::plan
