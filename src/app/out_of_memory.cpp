// SPDX-License-Identifier: Apache-2.0
#include "app/out_of_memory.hpp"

#include <string>
#include <vector>

#include "core/strings.hpp"
#include "json/record.hpp"

namespace pst::app {
namespace {

constexpr const char* kEvent = "out-of-memory";

/// Keys that make the need smaller, those that keep the bits first.
std::string smaller(const recipe::Recipe& recipe, const Resolved& resolved, int ranks) {
  std::vector<std::string> ways;
  if (resolved.recompute == nn::Recompute::nothing)
    ways.emplace_back("train.gradient_checkpointing: true (the same bits, a third slower)");
  if (ranks > 1 && resolved.strategy == recipe::Strategy::replicate)
    ways.emplace_back("parallel.strategy: shard (the same bits)");
  if (ranks > 1 && recipe.parallel.optimizer != recipe::OptimizerState::shard)
    ways.emplace_back("parallel.optimizer: shard (the same bits)");
  if (recipe.train.micro_batch_size > 1) ways.emplace_back("a smaller train.micro_batch_size");
  ways.emplace_back("a smaller data.max_length");
  if (recipe.model.quantization.format == weights::NumberFormat::none)
    ways.emplace_back("model.quantization.format: nf4");
  ways.emplace_back("more memory");
  return join(ways, ", or ");
}

}  // namespace

Error after_running_out(const OutOfMemory& error, const Run& run, const Resolved& resolved, int ranks) {
  const bool may_recompute = run.recipe.train.gradient_checkpointing == recipe::Switch::automatic &&
                             resolved.recompute == nn::Recompute::nothing;
  if (may_recompute) run.dir.try_event(kEvent, {{"attempt", run.attempt}, {"reason", error.message()}});
  Error told = may_recompute ? Error(Fault::transient,
                                     cat(error.message(), "; the next attempt has train.gradient_checkpointing on"),
                                     smaller(run.recipe, resolved, ranks))
                             : Error(Fault::usage, error.message(), smaller(run.recipe, resolved, ranks));
  for (const std::string& action : error.context()) told.add_context(action);
  return told;
}

std::optional<int> attempt_that_ran_out(const rundir::RunDir& run) {
  std::optional<int> attempt;
  for (const auto& event : run.read_events())
    if (json::text_of(event, "event") == kEvent)
      attempt = static_cast<int>(json::integer(event, "attempt").value_or(0));
  return attempt;
}

}  // namespace pst::app
