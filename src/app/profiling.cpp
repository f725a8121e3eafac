// SPDX-License-Identifier: Apache-2.0
#include "app/profiling.hpp"

#include <algorithm>
#include <vector>

#include "app/this_machine.hpp"
#include "comm/clock_offset.hpp"
#include "core/clock.hpp"
#include "core/strings.hpp"
#include "kernels/cuda/table.hpp"
#include "ops/torch_exec.hpp"

namespace pst::app {

Profiling::Profiling(const recipe::Profile& asked, const rundir::RunDir& run, int attempt, const Ranks& ranks)
    : asked_(asked), ranks_(ranks) {
  if (!asked_.first_step) return;
  const auto rank = static_cast<std::int64_t>(ranks.world.rank());
  const auto& chosen = asked_.ranks;
  if (!chosen.empty() && std::find(chosen.begin(), chosen.end(), rank) == chosen.end()) return;
  const CudaTable* const cuda = ops::loaded_cuda();
  recorder_ = std::make_unique<telemetry::ProfileRecorder>(telemetry::ProfileRecorder::Setup{
      .file = run.attempt(attempt) / "profile" / cat("rank-", rank, ".json"),
      .first_step = *asked_.first_step,
      .last_step = asked_.last_step.value_or(*asked_.first_step),
      .about = {{"rank", rank}, {"ranks", ranks.world.size()}, {"host", host_name()}, {"attempt", attempt}},
      // Nsight Systems shows them, when the worker runs under it.
      .ranges = cuda == nullptr ? trace::Ranges{} : trace::Ranges{cuda->range_push, cuda->range_pop}});
}

trace::Sink* Profiling::step(std::int64_t step) {
  if (!asked_.first_step) return nullptr;
  const bool traced = step >= *asked_.first_step && step <= asked_.last_step.value_or(*asked_.first_step);
  const bool edge = traced != tracing_;
  tracing_ = traced;
  trace::Sink* const sink = recorder_ ? recorder_->step(step) : nullptr;
  if (edge) compare_clocks();
  return sink;
}

/// Every node's first rank asks rank 0, and its neighbours, whose clock is the same, get to know.
void Profiling::compare_clocks() {
  comm::Communicator& world = ranks_.world;
  const comm::ClockOffset mine = comm::measure_clock(world, ranks_.local_rank == 0, unix_seconds);
  std::vector<double> all(2 * static_cast<std::size_t>(world.size()));
  const double pair[2] = {mine.offset_s, mine.uncertainty_s};
  world.all_gather(const_view_of(std::span<const double>(pair)), view_of(std::span(all)));
  const auto first = 2 * static_cast<std::size_t>(ranks_.node_root);
  if (recorder_) recorder_->clock({.unix_s = unix_seconds(), .offset_s = all[first], .uncertainty_s = all[first + 1]});
}

}  // namespace pst::app
